"""Gives each newly assigned partition the ledger's offset, after comparing it with the topic's log."""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition

from streaming.consuming.assignments import Assignment
from streaming.consuming.gaps import Gap, PartitionGap, accept_gap, find_gap
from streaming.consuming.landing import TopicFeed
from streaming.consuming.positions import find_position, former_topic
from streaming.topics import TopicWatch
from warehouse.connection import cursor_of

OFFSETS_MS = 10_000


def load_assignments(
    consumer: KafkaConsumer, watch: TopicWatch, partitions: list[int], feed: TopicFeed, *, accepts_gap: bool
) -> dict[int, Assignment]:
    """Return the partitions' assignments at the ledger's offsets.

    The log's first offset is read before the ledger and its end after it: all three only grow while other consumers
    land and producers send.

    Raises:
        GapFound: the log does not hold the next offset, or the topic was recreated; nothing was changed.
        TopicReplaced: the topic was recreated just now; nothing was changed.
        Overtaken: another consumer has accepted the same gap; nothing was changed, call again.
    """
    topic, source = watch.topic, feed.source.source
    by_number = {number: TopicPartition(topic.name, number) for number in partitions}
    starts = consumer.beginning_offsets([*by_number.values()], timeout_ms=OFFSETS_MS)
    assignments = {}
    with cursor_of("loader") as cursor:
        positions = {number: find_position(cursor, source, topic, number) for number in partitions}
        ends = consumer.end_offsets([*by_number.values()], timeout_ms=OFFSETS_MS)
        watch.check()  # otherwise the offsets may be those of a new topic, which looks like a gap
        for number, tp in by_number.items():
            position = positions[number]
            offset = position.offset
            gap = find_gap(offset, starts[tp], ends[tp])
            if gap is None and position.is_new:
                former_id = former_topic(cursor, source, topic, number)
                reason = f"the topic was recreated, its former id is {former_id}"
                gap = Gap(offset, starts[tp], reason) if former_id else None
            if gap:
                found = PartitionGap(topic, number, position, gap)
                offset = accept_gap(cursor, found, feed.run_id if accepts_gap else None)
            assignments[number] = Assignment(position.input_id, offset, ends[tp], offset)
    return assignments
