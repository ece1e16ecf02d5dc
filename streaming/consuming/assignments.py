"""Tracks the partitions that the consumer group assigned to this consumer, and how far each one is read and landed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from streaming.consuming.held_partitions import HeldPartitions
from streaming.consuming.landing import BatchResult, PartitionBatch, TopicFeed, batch_from_records

JOIN_SECONDS = 5.0


@dataclass
class Assignment:
    """One partition: its input in the ledger, and its offsets.

    `offset` is read next, everything before `landed` is in the ledger, and `end` was the end of the log when the
    partition was assigned. `epoch` counts how often `offset` was reset: results of older reads are ignored.
    """

    input_id: UUID
    offset: int
    end: int
    landed: int
    epoch: int = 0

    def reset_offset(self, offset: int) -> None:
        """Set the offset that is read next, and invalidate what was read before."""
        self.offset = offset
        self.epoch += 1


class Assignments(ConsumerRebalanceListener):  # type: ignore[misc]
    """The assigned partitions of one topic.

    The Kafka client reports rebalances from its own thread. They are queued, and `apply_rebalances` applies them in
    the thread of the consumer's loop. A new partition stays paused until `start` gives it the ledger's offset.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        """Begin without partitions."""
        self.held = HeldPartitions(consumer, topic)
        self.new: set[int] = set()
        self._consumer = consumer
        self._by_number: dict[int, Assignment] = {}
        self._rebalances: SimpleQueue[tuple[bool, set[int]]] = SimpleQueue()
        self._assigned_at: float | None = None

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Pause new partitions until they have the ledger's offset. The client calls this in its own thread."""
        for tp in assigned:
            self._consumer.seek(tp, 0)
            self._consumer.pause(tp)
        self._rebalances.put((True, {tp.partition for tp in assigned}))

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Release partitions. Their batches that are still being written land, unless another consumer was first."""
        self._rebalances.put((False, {tp.partition for tp in revoked}))

    def apply_rebalances(self) -> None:
        """Apply the rebalances that the client has reported since the last call."""
        while not self._rebalances.empty():
            is_assigned, partitions = self._rebalances.get()
            self.new = self.new | partitions if is_assigned else self.new - partitions
            for number in partitions:
                self._by_number.pop(number, None)
            self._assigned_at = time.monotonic() if is_assigned else None

    def start(self, assignments: Mapping[int, Assignment]) -> None:
        """Begin to read new partitions at the ledger's offsets."""
        self._by_number.update(assignments)
        self.new.difference_update(assignments)
        self.seek_all()
        self.held.resume(assignments)

    def restart(self, numbers: set[int]) -> None:
        """Pause partitions and treat them as new, so that they are compared with the log again."""
        numbers = numbers & self._by_number.keys()
        self.held.pause(numbers)
        self.new.update(numbers)

    def get(self, number: int) -> Assignment | None:
        """Return a partition's assignment; None when it has been revoked."""
        return self._by_number.get(number)

    def seek_all(self) -> None:
        """Set the client to the offset that each partition needs next."""
        for number, assignment in self._by_number.items():
            self.held.seek(number, assignment.offset)

    def pause_all(self) -> None:
        """Stop fetching from every partition that the client holds."""
        self.held.pause(self.held.numbers())

    def resume_started(self) -> None:
        """Fetch again from every partition except the new ones."""
        self.held.resume(self._by_number.keys() - self.new)

    def take_batches(self, records: Mapping[TopicPartition, Sequence[Any]], feed: TopicFeed) -> list[PartitionBatch]:
        """Check a poll's records and return one batch a partition; records of revoked partitions are dropped."""
        self.apply_rebalances()
        batches = []
        for number, assignment in self._by_number.items():
            found = records.get(self.held.partition(number))
            if not found or number in self.new:
                continue
            if found[0].offset < assignment.offset:  # read before the last seek: they may have been landed already
                self.held.seek(number, assignment.offset)
                continue
            batch = batch_from_records(found, feed, assignment.input_id, assignment.offset)
            batches.append(PartitionBatch(number, assignment.epoch, batch))
            assignment.offset = batch.end.position
        return batches

    def reread(self, batches: Iterable[PartitionBatch]) -> None:
        """Read batches again that could not be handed to the writer."""
        for entry in batches:
            assignment = self._by_number.get(entry.partition)
            if assignment and assignment.epoch == entry.epoch:
                assignment.reset_offset(entry.batch.start.position)

    def apply_result(self, result: BatchResult) -> bool:
        """Record a batch's result; return True when another consumer was first and reading continues after it."""
        number = result.entry.partition
        assignment = self._by_number.get(number)
        if assignment is None:
            return False
        assignment.landed = max(assignment.landed, result.offset)
        if not result.is_lost or assignment.epoch != result.entry.epoch:
            return False
        assignment.reset_offset(result.offset)
        self.held.seek(number, result.offset)
        return True

    def offsets(self) -> dict[int, int]:
        """Return partition → the offset that is read next."""
        return {number: assignment.offset for number, assignment in self._by_number.items()}

    def lags(self) -> dict[int, int]:
        """Return partition → messages that have not been landed yet."""
        return {
            number: max(0, (self.held.highwater(number) or assignment.end) - assignment.landed)
            for number, assignment in self._by_number.items()
        }

    @property
    def is_empty(self) -> bool:
        """True when the group has had JOIN_SECONDS to assign a partition to this consumer and assigned none."""
        if self.new or self._by_number or self._assigned_at is None:
            return False
        return time.monotonic() - self._assigned_at > JOIN_SECONDS

    def are_at_end(self) -> bool:
        """Return whether each partition was read to the end that it had when assigned, transaction markers included."""
        if self.new or not self._by_number or self._assigned_at is None:
            return False
        positions = {number: self.held.position(number) for number in self._by_number}
        return all((positions[number] or 0) >= assignment.end for number, assignment in self._by_number.items())
