"""Says what a restored warehouse lacks: the time since the backup, and the files and messages to be read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from loader.declarations import read_source, source_names
from loader.errors import LoaderError
from loader.landing.known_inputs import find_known_inputs
from loader.reading.input_files import identify
from warehouse.connection import cursor_of
from waybill.settings import get_settings, relative_name
from waybill.text import counted, shown

POSITIONS = """
select name, topic_id, partition, next_position
from ledger.inputs
where feed = 'kafka' and replaced_at is null
order by name, first_seen_at
"""
SHOWN = 3


@dataclass(frozen=True)
class Partition:
    """A topic partition in the ledger: the offset at which its consumer continues."""

    name: str
    topic_id: UUID
    number: int
    next_offset: int

    @property
    def topic(self) -> str:
        """The name of the topic."""
        return self.name.rpartition(":")[0]


def describe_lost(made_at: datetime) -> Iterator[str]:
    """Yield lines on what landed after a backup was made, and how it is read again."""
    span = _span((datetime.now(UTC) - made_at).total_seconds())
    yield f"lost:     what landed after {made_at:%Y-%m-%d %H:%M:%S} UTC, {span} ago, until it is read again"
    yield from _describe_files()
    yield from _describe_topics()


def _describe_files() -> Iterator[str]:
    folder = relative_name(get_settings().raw_folder)
    unread: list[str] = []
    try:
        for name in source_names():
            unread += _unread_files(name)
    except LoaderError as error:
        yield f"          files: not compared: {error}"
        return
    if not unread:
        yield f"          files: all of the sources in {folder} are in the ledger; load again what came from elsewhere"
        return
    more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
    yield f"          files: {counted(len(unread), 'file')} of {folder} to load: {', '.join(unread[:SHOWN])}{more}"


def _unread_files(source: str) -> list[str]:
    """Return the files of a source in the raw folder that the ledger does not have, or not to their end."""
    found: list[Path] = read_source(source).default_files(get_settings().raw_folder)
    files = [identify(path) for path in found]
    with cursor_of("reader") as cursor:
        known = find_known_inputs(cursor, source, [file.digest for file in files])
    return [shown(file.name) for file in files if file.digest not in known or known[file.digest].has_unread]


def _describe_topics() -> Iterator[str]:
    with cursor_of("reader") as cursor:
        cursor.execute(POSITIONS)
        partitions = [Partition(name, UUID(topic), number, offset) for name, topic, number, offset in cursor.fetchall()]
    if not partitions:
        return
    from streaming.errors import BrokerUnreachable
    from streaming.topic_ends import read_topic_ends

    try:
        ends = read_topic_ends({one.topic for one in partitions}, datetime.now(UTC))
    except BrokerUnreachable as error:
        positions = ", ".join(f"{shown(one.name)} continues at offset {one.next_offset}" for one in partitions)
        yield f"          topics: {positions}; {error}"
        return
    for one in partitions:
        end = ends.get(one.topic)
        yield f"          {shown(one.name)}: {_describe_partition(one, end.topic_id if end else None, end)}"


def _describe_partition(one: Partition, topic_id: UUID | None, end: object) -> str:
    from streaming.topic_ends import TopicEnd

    if not isinstance(end, TopicEnd) or one.number not in end.partitions:
        return "the broker does not have it"
    if topic_id != one.topic_id:
        return "the topic was created again since; the consumer says how to continue"
    log = end.partitions[one.number]
    if log.end < one.next_offset:
        return f"the ledger is at offset {one.next_offset}, and the topic ends at {log.end}: the broker lost messages"
    if log.begin > one.next_offset:
        return f"offsets {one.next_offset} to {log.begin - 1} are lost: the broker has deleted them"
    return f"continues at offset {one.next_offset}; the broker has all {log.end - one.next_offset} offsets since"


def _span(seconds: float) -> str:
    """Return a time span in its two largest units, such as 3 h 12 min."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    rest, parts = max(0, int(seconds)), list[str]()
    for name, size in units:
        number, rest = divmod(rest, size)
        if number or (parts and len(parts) < 2) or (name == "s" and not parts):
            parts.append(f"{number} {name}")
    return " ".join(parts[:2])
