"""The partitions that this consumer has: taken up at the ledger's offset, held against the log, let go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition

from streaming.cluster import TopicWatch
from streaming.consuming.gaps import Gap, accept_or_stop, find_gap
from streaming.consuming.landing import TopicFeed
from streaming.consuming.positions import find_position, former_topic
from warehouse.connection import connect

OFFSETS_MS = 10_000


@dataclass
class Assignment:
    """One partition: its input, the offset that is read next, the log's end when it was taken up, what is landed.

    `epoch` counts how often the offset was set anew, so that news of what was read before are not taken for new ones.
    """

    input_id: UUID
    offset: int
    end: int
    landed: int
    epoch: int = 0

    def go_on_at(self, offset: int) -> None:
        """Set the offset anew."""
        self.offset = offset
        self.epoch += 1


def take_up(
    consumer: KafkaConsumer, watch: TopicWatch, partitions: list[int], origin: TopicFeed, *, accepts_gap: bool
) -> dict[int, Assignment]:
    """Return the assignments at the ledger's offsets, held against what the log has.

    The log's begin is asked before the ledger and its end after it: all three only grow while others land and send.

    Raises:
        GapFound: the log does not hold the offset that comes next, or the topic was made anew; nothing was changed.
        TopicReplaced: it was made anew just now; likewise.
        Overtaken: another consumer has accepted the same gap; likewise, to be taken up again.
    """
    topic = watch.topic
    named = {number: TopicPartition(topic.name, number) for number in partitions}
    begins = consumer.beginning_offsets([*named.values()], timeout_ms=OFFSETS_MS)
    assignments = {}
    connection = connect("loader")
    try:
        with connection, connection.cursor() as cursor:
            positions = {number: find_position(cursor, origin.source.source, topic, number) for number in named}
            ends = consumer.end_offsets([*named.values()], timeout_ms=OFFSETS_MS)
            watch.check()  # or these offsets may be those of another topic, and look like a gap
            for number, tp in named.items():
                position = positions[number]
                gap = find_gap(position.offset, begins[tp], ends[tp])
                former = former_topic(cursor, origin.source.source, topic, number) if position.is_new else None
                offset = position.offset
                accepted_by = origin.run_id if accepts_gap else None
                if former:
                    gap = gap or Gap(position.offset, begins[tp], f"the topic was made anew, it was {former}")
                if gap:
                    offset = accept_or_stop(cursor, topic, number, (position, gap), accepted_by)
                assignments[number] = Assignment(position.input_id, offset, ends[tp], offset)
    finally:
        connection.close()
    return assignments
