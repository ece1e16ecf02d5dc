"""Finds documents by coordinate, by mart row, by reject reason or by outcome."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import DataError, sql

from loader.errors import CoordinateUnknown
from loader.reading.input_files import InputFile, coordinate_name, identify
from loader.tracing.facts import Coordinate, DocumentId, LossFacts
from loader.tracing.marts import KeyedTable, keyed_tables, marts_of, traceable_marts
from loader.tracing.snapshot import Snapshot
from warehouse.outcomes import CURRENT
from waybill.cli import shown_command
from waybill.text import counted

INPUTS_BY_DIGEST = """
select input_id, name, next_position, is_complete
from ledger.named_inputs
where digest = %s
order by first_seen_at
"""

INPUTS_BY_NAME = """
select input_id, name, next_position, is_complete
from ledger.named_inputs
where input_id in (select input_names.input_id from ledger.input_names where input_names.name = %s)
order by first_seen_at
"""

BATCHES = """
select batch_id
from ledger.batches
where
    input_id = %(input_id)s
    and first_position <= %(position)s
    and next_position > %(position)s
    and (landed + rejected > 0 or feed = 'kafka')
    and feed <> 'replay'
order by committed_at
"""

LOSSES = """
select gaps.first_position, gaps.next_position - 1, gaps.reason, gaps.accepted_at, gaps.run_id, runs.command
from ledger.gaps
inner join ledger.runs on gaps.run_id = runs.run_id
where
    gaps.input_id = %(input_id)s
    and gaps.first_position <= %(position)s
    and gaps.next_position > %(position)s
order by gaps.accepted_at
"""

REJECTED = """
select batch_id, position
from (
    select rejects.*, row_number() over (partition by reason order by batch_id, position) as number
    from ledger.rejected_documents as rejects
) as numbered
where number <= %s
order by reason, source, input_name, position
"""

NOT_CURRENT = """
select numbered._batch_id, numbered._position
from (
    select outcomes.*, row_number() over (partition by outcome order by source, _batch_id, _position) as number
    from intermediate.document_outcomes as outcomes
    where outcome <> %s and not exists (
        select from ledger.undone_batches as undone where undone.batch_id = outcomes._batch_id
    ) and not exists (
        select from ledger.erased_documents as erased
        where erased.batch_id = outcomes._batch_id and erased.position = outcomes._position
    ) and outcomes._batch_id not in (select erasures.erasure_id from ledger.erasures)
) as numbered
left join ledger.named_batches as batches on numbered._batch_id = batches.batch_id
where numbered.number <= %s
order by numbered.outcome, numbered.source, batches.input_name, numbered._position
"""


@dataclass(frozen=True)
class KnownInput:
    """An input that a coordinate may mean."""

    input_id: str
    name: str
    next_position: int
    is_complete: bool


@dataclass(frozen=True)
class FoundInputs:
    """The inputs that a name means: several if a file holds several sources, or if a topic was created again.

    `shown_name` is how coordinates spell the name. `file` is the file that has the name now, `has_changed` if its
    content is not what was loaded under this name.
    """

    shown_name: str
    file: InputFile | None
    has_changed: bool
    inputs: list[KnownInput]


def find_inputs(snapshot: Snapshot, name: str) -> FoundInputs:
    """Return the inputs with a file's content, else those that were loaded under its name, or the topic partition.

    Raises:
        CoordinateUnknown: nothing of this content or name was ever loaded.
    """
    path = Path(name)
    shown_name = coordinate_name(path)
    file = identify(path) if path.is_file() else None
    same_content = _inputs(snapshot, INPUTS_BY_DIGEST, file.digest) if file else []
    inputs = same_content or _inputs(snapshot, INPUTS_BY_NAME, shown_name)
    if not inputs and file:
        command = shown_command(f"load SOURCE {shlex.quote(name)}")
        raise CoordinateUnknown(f"{name}: this content was never loaded: run `{command}`")
    if not inputs and path.is_dir():
        raise CoordinateUnknown(f"{name} is a folder: name one of its files")
    if not inputs:
        raise CoordinateUnknown(f"{name}: no such file, and no file or topic partition of this name was ever loaded")
    return FoundInputs(shown_name, file, has_changed=bool(file) and not same_content, inputs=inputs)


def _inputs(snapshot: Snapshot, statement: str, value: str) -> list[KnownInput]:
    return [KnownInput(*row) for row in snapshot.rows(statement, [value])]


def documents_at(snapshot: Snapshot, found: KnownInput, position: int) -> list[DocumentId]:
    """Return the document that each batch of an input may have read at a position, which can be empty."""
    wanted = {"input_id": found.input_id, "position": position}
    return [DocumentId(batch_id, position) for (batch_id,) in snapshot.rows(BATCHES, wanted)]


def losses_at(snapshot: Snapshot, found: KnownInput, position: int) -> list[LossFacts]:
    """Return the accepted gaps of an input that a position lies in."""
    rows = snapshot.rows(LOSSES, {"input_id": found.input_id, "position": position})
    return [LossFacts(Coordinate(found.name, position), *row) for row in rows]


def find_by_row(snapshot: Snapshot, table: str, key: tuple[str, ...]) -> tuple[str, DocumentId | None]:
    """Return the mart that a row of a mart or of predictions belongs to, and the document it was made from.

    The document is None for an inferred row: facts use its key, and no document describes it.

    Raises:
        CoordinateUnknown: there is no such table or row, or its rows cannot be traced to documents.
    """
    named, mart = _mart_of(snapshot, table)
    if len(key) != len(named.key):
        count = counted(len(named.key), "value")
        raise CoordinateUnknown(f"the key of {table} is {', '.join(named.key)}: give {count} in this order")
    statement = sql.SQL("select _batch_id, _position from {} where {}").format(mart.identifier(), mart.where_key())
    values = dict(zip(named.key, key, strict=True))
    try:
        rows = snapshot.rows(statement, [values[name] for name in mart.key])
    except DataError as error:
        reason = str(error).splitlines()[0]
        raise CoordinateUnknown(f"{', '.join(key)} cannot be a key of {table}: {reason}") from None
    if not rows:
        raise CoordinateUnknown(f"{table} has no row {', '.join(key)}")
    batch_id, position = rows[0]
    return mart.name, DocumentId(batch_id, position) if batch_id else None


def key_of(snapshot: Snapshot, table: str) -> tuple[str, ...]:
    """Return the columns of the key of a mart or of predictions, in the order in which `find_by_row` takes them.

    Raises:
        CoordinateUnknown: there is no such table, or its rows cannot be traced to documents.
    """
    return _mart_of(snapshot, table)[0].key


def _mart_of(snapshot: Snapshot, table: str) -> tuple[KeyedTable, KeyedTable]:
    """Return a table, and the mart to trace its rows by: itself, or the mart with the same key.

    What is computed from a mart, such as features and predictions, has the key of that mart.
    """
    tables = keyed_tables(snapshot)
    marts = traceable_marts(tables)
    named = next((one for one in [*marts, *tables] if one.name == table), None)
    mart = next(iter(marts_of(named, tables)), None) if named else None
    if named is None or mart is None:
        if not marts:
            raise CoordinateUnknown(
                f"no table {table!r} whose rows can be traced to documents: no mart is built yet, run "
                f"`{shown_command('run')}`"
            )
        names = ", ".join(one.name for one in marts)
        raise CoordinateUnknown(f"no table {table!r} whose rows can be traced to documents; those that can: {names}")
    return named, named if named.is_traceable and named.schema == "marts" else mart


def find_rejected(snapshot: Snapshot, *, max_per_reason: int) -> list[DocumentId]:
    """Return rejected documents, replayed ones included, in order of reason, source and coordinate."""
    return [DocumentId(*row) for row in snapshot.rows(REJECTED, [max_per_reason])]


def find_not_current(snapshot: Snapshot, *, max_per_outcome: int) -> list[DocumentId]:
    """Return landed documents that are not current, in order of outcome, source and coordinate; none before dbt ran."""
    if not snapshot.has_table("intermediate.document_outcomes"):
        return []
    return [DocumentId(*row) for row in snapshot.rows(NOT_CURRENT, [CURRENT, max_per_outcome])]
