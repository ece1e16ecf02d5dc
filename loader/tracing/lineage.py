"""Tells the story of one document: its batch and run, its bytes, its outcome, and what stands in the marts for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import CoordinateUnknown, LoaderError
from loader.reading.inputs import InputFile
from loader.reading.originals import find_original, message_command, read_beginning, read_document
from loader.reading.ranges import fingerprint
from loader.tracing.marts import mart_rows

SHOWN_CHARACTERS = 2000
OTHERS_SHOWN = 20
NO_DOCUMENT = {
    "file": "the line is blank",
    "replay": "its row is gone from the raw table",
    "kafka": "it is a tombstone or a transaction's marker, or compaction or an aborted transaction left it empty",
}

BATCH = """
select batches.committed_at, runs.run_id, runs.command, inputs.digest, inputs.layout, inputs.input_id,
    batches.first_position, batches.first_byte
from ledger.batches
inner join ledger.runs on batches.run_id = runs.run_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.batch_id = %s
"""

REJECT = """
select reason, detail, pointer, first_byte, length, fingerprint, bytes, replayed_by
from ledger.rejects
where batch_id = %s and position = %s
"""

REJECT_OF_REPLAY = """
select rejects.batch_id, octet_length(rejects.bytes) = rejects.length
from ledger.rejects
where rejects.replayed_by = %s and rejects.position = %s
"""

NAMES = "select name from ledger.input_names where input_id = %s order by first_seen_at, name"

OUTCOME = """
select document_key, outcome, reason, surviving_batch_id, surviving_position
from intermediate.document_outcomes
where source = %s and _batch_id = %s and _position = %s
"""

CURRENT = """
select inputs.name, outcomes._position
from intermediate.document_outcomes as outcomes
inner join ledger.batches on outcomes._batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where outcomes.source = %s and outcomes.document_key = %s and outcomes.outcome = 'current'
"""

OTHERS = """
select outcomes.outcome, inputs.name, outcomes._position
from intermediate.document_outcomes as outcomes
inner join ledger.batches on outcomes._batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where
    outcomes.source = %(source)s
    and outcomes.document_key = %(key)s
    and (outcomes._batch_id, outcomes._position) <> (%(batch_id)s, %(position)s)
order by outcomes.version_at, inputs.name, outcomes._position
limit %(most)s
"""

NAME_OF_BATCH = """
select inputs.name
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.batch_id = %s
"""


class Snapshot:
    """One reading transaction, so that all parts of an answer are of the same moment."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection on which nothing was asked yet; it is closed in the end."""
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        self._connection = connection

    def __enter__(self) -> Snapshot:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    def rows(self, statement: str | sql.Composable, values: Any = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


@dataclass(frozen=True)
class DocumentCoordinate:
    """Where a document stands: in which batch of which feed, under which name, at which position.

    `at_hand` is the file that was asked about, whatever it is called by now.
    """

    source: str
    name: str
    batch_id: str
    feed: str
    position: int
    at_hand: InputFile | None = None


def story(question: Snapshot, place: DocumentCoordinate) -> Iterator[str]:
    """Yield the story, a sentence a line.

    Raises:
        CoordinateUnknown: the position holds no document.
    """
    rejects = question.rows(REJECT, [place.batch_id, place.position])
    table = sql.SQL("select _fingerprint from raw.{} where _batch_id = %s and _position = %s")
    landed = question.rows(table.format(sql.Identifier(place.source)), [place.batch_id, place.position])
    if not rejects and not landed:
        raise CoordinateUnknown(f"{place.name}:{place.position} holds no document: {NO_DOCUMENT[place.feed]}")
    ((committed_at, run_id, command, *read),) = question.rows(BATCH, [place.batch_id])
    yield f"{place.name}:{place.position} is source {place.source}, {place.feed} batch {place.batch_id}"
    yield f"committed {shown_time(committed_at)} by run {run_id} ({command})"
    for reason, detail, pointer, first_byte, length, mark, beginning, replayed_by in rejects:
        yield f"rejected: {reason}: {detail}{f' at {pointer}' if pointer else ''} ({length} bytes)"
        kept = bytes(beginning) if len(beginning) == length else None
        if kept is None and place.feed == "kafka":
            yield f"{_bytes_in_topic(place)}; ledger.rejects keeps their beginning"
        else:
            yield from _bytes_of_reject(question, place, (read[0], read[2]), (first_byte, length, mark), kept)
        if replayed_by:
            yield f"replayed: landed after all by batch {replayed_by}"
            yield from story(question, replace(place, batch_id=replayed_by, feed="replay"))
    for (mark,) in landed:
        yield f"landed in raw.{place.source}, fingerprint {mark}"
        if place.feed == "file":
            yield from _bytes_of_document(question, place, read, mark)
        elif place.feed == "kafka":
            yield _bytes_in_topic(place)
        elif place.feed == "replay":
            yield from _rejected_before(question, place)
        yield from _fate(question, place)


def shown_time(at: datetime) -> str:
    """Return a time as it is told, in UTC whatever the session's time zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rejected_before(question: Snapshot, place: DocumentCoordinate) -> Iterator[str]:
    for batch_id, is_whole in question.rows(REJECT_OF_REPLAY, [place.batch_id, place.position]):
        kept = "its bytes" if is_whole else "the beginning of its bytes"
        yield f"it was rejected first, in batch {batch_id}; the reject keeps {kept}"


def _bytes_in_topic(place: DocumentCoordinate) -> str:
    return f"source bytes: {message_command(place.name, place.position)}, while the topic has them"


def _original(question: Snapshot, place: DocumentCoordinate, input_id: str, digest: str) -> InputFile | None:
    """Return the file at hand, if it has the content with this digest, else one of the names that it came under."""
    if place.at_hand and place.at_hand.digest == digest:
        return place.at_hand
    return find_original([name for (name,) in question.rows(NAMES, [input_id])], digest)


def _bytes_of_reject(
    question: Snapshot, place: DocumentCoordinate, read: tuple[str, str], span: tuple[int, int, str], kept: bytes | None
) -> Iterator[str]:
    digest, input_id = read
    first_byte, length, mark = span
    if kept is not None and UUID(bytes=fingerprint(kept)) != UUID(mark):
        yield f"the bytes in ledger.rejects are not those of fingerprint {mark}"
        return
    if kept is None:
        original = _original(question, place, input_id, digest)
        kept = read_beginning(original, first_byte, length, UUID(mark)) if original else None
    if kept is None:
        yield "its file is gone or has changed: only the beginning of its bytes is left, in ledger.rejects"
    else:
        yield f"source bytes, fingerprint {mark} checked: {_shown(kept, length)}"


def _bytes_of_document(question: Snapshot, place: DocumentCoordinate, read: list[Any], mark: str) -> Iterator[str]:
    digest, layout, input_id, first_position, first_byte = read
    original = _original(question, place, input_id, digest)
    if original is None:
        yield "its file is gone or has changed: the value is left, in the raw table"
        return
    try:
        found = read_document(original, (place.source, layout), (first_position, first_byte or 0), place.position)
    except LoaderError as error:
        yield f"its bytes cannot be read again: {error}"
        return
    if found is None or UUID(bytes=found.fingerprint) != UUID(mark):
        yield f"the file does not hold it there any more: its fingerprint is not {mark}"
        return
    yield f"source bytes, fingerprint {mark} checked: {_shown(found.document, len(found.document))}"


def _fate(question: Snapshot, place: DocumentCoordinate) -> Iterator[str]:
    outcomes: list[tuple[Any, ...]] = []
    if question.rows("select to_regclass('intermediate.document_outcomes')")[0][0]:
        outcomes = question.rows(OUTCOME, [place.source, place.batch_id, place.position])
    if not outcomes:
        yield "not yet transformed: run `make dbt`"
    for key, outcome, reason, surviving_batch, surviving_position in outcomes:
        yield f"{outcome}{f': {reason}' if reason else ''}{f', key {key}' if key else ''}"
        if surviving_batch:
            origin = question.rows(NAME_OF_BATCH, [surviving_batch])[0][0]
            yield f"in its place stands {origin}:{surviving_position}"
        elif outcome != "current":
            yield _stand_in(question, place.source, key)
        yield from _others(question, place, key)
        yield from mart_rows(question, place.batch_id, place.position)


def _stand_in(question: Snapshot, source: str, key: str | None) -> str:
    for name, position in question.rows(CURRENT, [source, key]):
        return f"in its place stands {name}:{position}"
    return "nothing stands in its place"


def _others(question: Snapshot, place: DocumentCoordinate, key: str | None) -> Iterator[str]:
    asked = {"source": place.source, "key": key, "batch_id": place.batch_id, "position": place.position}
    for outcome, name, position in question.rows(OTHERS, {**asked, "most": OTHERS_SHOWN}):
        yield f"the same key was delivered at {name}:{position}: {outcome}"


def _shown(beginning: bytes, length: int) -> str:
    text = beginning.decode("utf-8", "backslashreplace")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({length} bytes)"
