"""The consumer's loop: polls, checks, hands ranges to the writer, and lets go of what it has lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from kafka.structs import OffsetAndMetadata

from loader.errors import Overtaken
from streaming.cluster import TopicWatch
from streaming.consuming.assignments import Assignment, take_up
from streaming.consuming.gc_pauses import GcPauses
from streaming.consuming.health import Health
from streaming.consuming.held_partitions import HeldPartitions
from streaming.consuming.landing import Range, TopicFeed, part_of
from streaming.consuming.writer import Writer
from streaming.errors import GapFound, MessageUnreadable
from warehouse.connection import forget
from waybill.backoff import Backoff, is_transient

POLL_MS = 500
OFFER_SECONDS = 1.0
CLOSE_SECONDS = 30.0
SETTLING_SECONDS = 5.0
WATCH_SECONDS = 5.0
BUSY_SECONDS = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConsumerOptions:
    """How long to go on, and whether a gap is accepted."""

    until_end: bool = False
    accepts_gap: bool = False


class ConsumerLoop(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads the partitions that the group gives it from the ledger's offsets on, and lands them through the writer."""

    def __init__(
        self, consumer: KafkaConsumer, watch: TopicWatch, origin: TopicFeed, health: Health, stopping: threading.Event
    ) -> None:
        """Take an open consumer, whose own offsets are never used, and what says that it is to stop."""
        self._consumer = consumer
        self._held = HeldPartitions(consumer, watch.topic.name)
        self._topic = watch.topic
        self._origin = origin
        self._health = health
        self._watch = watch
        self._garbage = GcPauses()
        self._assignments: dict[int, Assignment] = {}
        self._fresh: set[int] = set()
        self._news: SimpleQueue[tuple[bool, set[int]]] = SimpleQueue()
        self._settled_at: float | None = None
        self.stopping = stopping

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Hold new partitions back until they are taken up at the ledger's offset; called in its own thread."""
        for tp in assigned:
            self._consumer.seek(tp, 0)
            self._consumer.pause(tp)
        self._news.put((True, {tp.partition for tp in assigned}))

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let go. What is still on its way to the ledger lands, or is lost there when another came first."""
        self._news.put((False, {tp.partition for tp in revoked}))

    def _hear_news(self) -> None:
        while not self._news.empty():
            is_mine, partitions = self._news.get()
            self._fresh = self._fresh | partitions if is_mine else self._fresh - partitions
            for number in partitions:
                self._assignments.pop(number, None)
            self._settled_at = time.monotonic() if is_mine else None

    def run(self, terms: ConsumerOptions) -> None:
        """Consume until it is stopped, or to the ends that the partitions had when they were taken up.

        Each turn:
        1. take up what the group has given us, at the ledger's offsets,
        2. poll, 3. make sure that it is still the same topic,
        4. check the documents and hand the ranges to the writer,
        5. take back what was landed or lost; offsets in Kafka follow the ledger.

        Raises:
            StreamingError: see `streaming.errors`; what was landed before is.
            KafkaError, WarehouseError, psycopg2.Error: what waiting does not mend; likewise.
        """
        self._consumer.subscribe([self._topic.name], listener=self)
        writer = Writer()
        try:
            with self._garbage.swept_by_hand():
                is_done = False
                while not is_done:
                    is_done = self._patiently(lambda: self._turn(writer, terms)) or self.stopping.is_set()
        finally:
            writer.close(CLOSE_SECONDS)
            self._take_back(writer)
            self._say_lag()

    def _turn(self, writer: Writer, terms: ConsumerOptions) -> bool:
        """Do one turn; return whether the end was reached and wanted."""
        self._garbage.sweep()
        self._watch.check(WATCH_SECONDS)
        self._take_up(writer, terms)  # 1.
        records = self._poll()  # 2.
        if records:
            self._watch.check()  # 3.
            self._offer(self._ranges(records), writer)  # 4.
        self._take_back(writer)  # 5.
        self._say_lag()
        return terms.until_end and writer.is_idle and self._is_at_end()

    def _patiently(self, work: Callable[[], bool]) -> bool:
        """Do it however often broker or database go away, with a growing pause; what was not taken is read anew."""
        backoff = Backoff(stopping=self.stopping)
        while not self.stopping.is_set():
            try:
                return work()
            except Exception as error:
                if not is_transient(error):
                    raise
                self._rewind()
                self._say_lag()
                forget()  # an embedded server that was killed is started again by the next connection
                backoff.wait(error)
        return False

    def _rewind(self) -> None:
        for number, assignment in self._assignments.items():
            self._held.seek(number, assignment.offset)

    def _take_up(self, writer: Writer, terms: ConsumerOptions) -> None:
        self._hear_news()
        while self._fresh and not writer.is_idle and not self.stopping.is_set():
            self._stay()  # what is under way is not in the ledger yet, and would look like a gap
            self._take_back(writer)
            self.stopping.wait(BUSY_SECONDS)
        fresh = sorted(self._fresh)
        if not fresh or self.stopping.is_set():
            return
        try:
            taken = take_up(self._consumer, self._watch, fresh, self._origin, accepts_gap=terms.accepts_gap)
        except Overtaken:
            logger.info("another consumer was first to accept the gap, taking up again topic=%s", self._topic.name)
            return
        self._assignments.update(taken)
        self._fresh.difference_update(fresh)
        self._rewind()
        self._held.resume(fresh)
        offsets = ", ".join(f"{number} at {assignment.offset:,}" for number, assignment in taken.items())
        logger.info("took up partitions topic=%s partitions=%s", self._topic.name, offsets)

    def _poll(self, milliseconds: int = POLL_MS) -> Mapping[TopicPartition, Sequence[Any]]:
        try:
            found: Mapping[TopicPartition, Sequence[Any]] = self._consumer.poll(timeout_ms=milliseconds)
        except OffsetOutOfRangeError as error:  # the log was cut: hold these partitions against it again
            cut = {tp.partition for tp in error.args[0]} & self._assignments.keys()
            self._held.pause(cut)
            self._fresh.update(cut)
            return {}
        except UnsupportedCodecError as error:
            raise MessageUnreadable(f"{error}: run `make setup`, which brings what unpacks it") from None
        except CorruptRecordError as error:  # the client would go round in circles
            places = ", ".join(f"{self._topic.name}:{number}:{one.offset}" for number, one in self._assignments.items())
            raise MessageUnreadable(
                f"what the broker sent at or behind {places} cannot be read ({error}): nothing of it was landed; "
                "delete the records in Kafka up to and with the damaged one and run with --accept-gap, "
                "which keeps the gap in the ledger"
            ) from None
        except LogTruncationError as error:
            raise GapFound(
                f"{self._topic.name}: the log was cut and written anew below what was landed ({error}): "
                "compare it with the ledger, then run again to go on from the ledger's offset"
            ) from None
        return found

    def _ranges(self, records: Mapping[TopicPartition, Sequence[Any]]) -> list[Range]:
        self._hear_news()
        ranges = []
        for number, assignment in self._assignments.items():
            found = records.get(self._held.partition(number))
            if not found or number in self._fresh:
                continue
            if found[0].offset < assignment.offset:  # read before the last seek: what follows must not look like a hole
                self._held.seek(number, assignment.offset)
                continue
            part = part_of(found, self._origin, assignment.offset)
            ranges.append(Range(number, assignment.epoch, assignment.input_id, part))
            assignment.offset = part.end.position
        return ranges

    def _offer(self, ranges: list[Range], writer: Writer) -> None:
        """Hand the ranges over; while there is no room, stay in the group without reading on."""
        try:
            while ranges and not writer.offer(ranges, OFFER_SECONDS):
                if self.stopping.is_set():
                    return
                self._stay()
                self._take_back(writer)
        except KafkaError:
            self._give_back(ranges)
            raise

    def _stay(self) -> None:
        self._garbage.sweep()
        self._held.pause(self._held.numbers())
        if self._poll(0):
            self._rewind()
        self._hear_news()
        self._held.resume(set(self._assignments) - self._fresh)
        self._say_lag()

    def _give_back(self, ranges: list[Range]) -> None:
        """Have ranges that were not handed over read again."""
        for entry in ranges:
            assignment = self._assignments.get(entry.partition)
            if assignment and assignment.epoch == entry.epoch:
                assignment.go_on_at(entry.part.start.position)

    def _take_back(self, writer: Writer) -> None:
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for entry in writer.landed():
            number = entry.range.partition
            assignment = self._assignments.get(number)
            if assignment:
                assignment.landed = max(assignment.landed, entry.offset)
            if not entry.is_lost:
                self._health.count(entry.range.part)
                offsets[self._held.partition(number)] = OffsetAndMetadata(entry.offset, "", -1)
            elif assignment and assignment.epoch == entry.range.epoch:
                logger.info("another consumer was first, going on from the ledger partition=%s", number)
                assignment.go_on_at(entry.offset)
                self._held.seek(number, entry.offset)
        if offsets:
            self._consumer.commit_async(offsets, callback=_for_lag_tools_only)

    def _say_lag(self) -> None:
        self._health.say_lag({number: self._lag(number) for number in self._assignments})

    def _lag(self, number: int) -> int:
        assignment = self._assignments[number]
        return max(0, (self._held.highwater(number) or assignment.end) - assignment.landed)

    def _is_at_end(self) -> bool:
        """Whether all partitions were read to the ends that they had; markers of transactions are read, too."""
        self._hear_news()
        if self._fresh or self._settled_at is None:
            return False
        if not self._assignments:  # others have all partitions, or the group has not told us yet
            is_without = time.monotonic() - self._settled_at > SETTLING_SECONDS
            if is_without:
                logger.warning("no partition was left for this consumer: others of its group have them all")
            return is_without
        at = {number: self._held.position(number) for number in self._assignments}
        return all((at[number] or 0) >= assignment.end for number, assignment in self._assignments.items())


def _for_lag_tools_only(offsets: object, response: object) -> None:
    if isinstance(response, Exception):
        logger.debug("offsets not committed in Kafka, which only lag tools read reason=%s", response)
