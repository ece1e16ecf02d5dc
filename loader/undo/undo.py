"""Undoes batches in one transaction, as the role keeper: either all of them are undone, or none is."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Sequence
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from loader.errors import UndoRefused
from loader.reading.input_files import storable_name
from loader.tracing.snapshot import Snapshot
from loader.undo.plan import PlannedBatch, SourceUndo, plan_batches, sum_up
from loader.undo.targets import find_batches, find_source_batches
from warehouse.connection import connect
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run
from waybill.identifiers import uuid7

# A replay that is at work on one of them either has landed it before, or finds it closed.
LOCK_REJECTS = """
select from ledger.rejects
where batch_id = any(%(batches)s::uuid[]) or replayed_by = any(%(batches)s::uuid[])
order by batch_id, position
for update
"""

DELETE = "delete from raw.{} where _batch_id = any(%s::uuid[])"

REOPEN = "update ledger.rejects set replayed_by = null where replayed_by = any(%(batches)s::uuid[])"

CLOSE = "update ledger.rejects set is_undone = true where batch_id = any(%(batches)s::uuid[])"

RECORD = """
insert into ledger.undone_batches (batch_id, undo_id, run_id, undone_by, reason, documents, closed_rejects,
    opened_rejects, reload_position, reload_byte)
select given.batch_id::uuid, given.undo_id::uuid, given.run_id::uuid, given.undone_by, given.reason, given.documents,
    given.closed_rejects, given.opened_rejects,
    case when batches.feed = 'file' then batches.first_position end,
    case when batches.feed = 'file' then coalesce(batches.first_byte, 0) end
from (values %s) as given (batch_id, undo_id, run_id, undone_by, reason, documents, closed_rejects, opened_rejects)
inner join ledger.batches on given.batch_id::uuid = batches.batch_id
"""

# What models learnt from may change with the next dbt run: who asks meanwhile must not read that it is unchanged. All
# are marked, since a mart may depend on sources whose batches it does not record.
LOCK_CHECKS = "select pg_advisory_xact_lock(hashtext('waybill: model_checks'))"
MARK_CHECKS = "update predictions.model_checks set is_outdated = true where not is_outdated"

UNDONE = """
select undone.batch_id, batches.source, batches.feed, undone.documents, undone.closed_rejects, undone.opened_rejects
from ledger.undone_batches as undone
inner join ledger.batches on undone.batch_id = batches.batch_id
where undone.run_id = %s
"""


def undo(
    target: str, *, source: str | None = None, reason: str | None = None, dry_run: bool = False
) -> dict[str, SourceUndo]:
    """Undo a batch, a run's batches, or all batches of a file's content; return what was undone, by source.

    The result is empty if there is nothing to undo. A dry run counts the same and writes nothing. No dbt run can work
    on the database at the same time. Loaders and consumers can: what they land while this runs is not undone.

    Raises:
        UndoRefused: the target names no batch, run or file, or several contents or sources.
        RunInProgress: a run or another undo is at work on the database.
        psycopg2.Error: the server failed; nothing was undone, unless a rerun finds nothing to undo.
    """
    return _undo_found(lambda snapshot: find_batches(snapshot, target, source), target, reason, dry_run)


def undo_source(source: str, *, reason: str | None = None, dry_run: bool = False) -> dict[str, SourceUndo]:
    """Undo all batches of a source, which need not be declared any more; see `undo`."""
    return _undo_found(lambda snapshot: find_source_batches(snapshot, source), f"source {source}", reason, dry_run)


def _undo_found(
    find: Callable[[Snapshot], list[str]], target: str, reason: str | None, dry_run: bool
) -> dict[str, SourceUndo]:
    with Snapshot(connect("reader")) as snapshot:
        asked_for = find(snapshot)
        planned = plan_batches(snapshot.cursor(), asked_for)
        counted = sum_up(snapshot, planned)
    if dry_run or not planned:
        return counted
    command = storable_name(f"undo {target}")
    with only_run(command), recorded_run(command) as run_id:
        keeper = ReconnectingConnection("keeper")
        try:
            undone = keeper.run(lambda opened: _undo(opened, asked_for, run_id, reason))
        finally:
            keeper.close()
        with Snapshot(connect("reader")) as snapshot:
            return sum_up(snapshot, undone)


def _undo(connection: Connection, asked_for: Sequence[str], run_id: UUID, reason: str | None) -> list[PlannedBatch]:
    """Undo the batches in one transaction, which is safe to repeat; return those that this run has undone.

    1. Lock the rejects of the batches, so that no replay lands one of them meanwhile.
    2. Plan: leave out what is undone already, add the replays that came from the batches.
    3. Delete the raw rows.
    4. Open the rejects that an undone replay had landed, and close those of undone batches.
    5. Record the batches as undone.
    6. Mark the checks of models as outdated.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(LOCK_REJECTS, {"batches": list(asked_for)})  # 1.
        planned = plan_batches(cursor, asked_for)  # 2.
        if planned:
            _delete(cursor, planned)  # 3.
            wanted = {"batches": [batch.batch_id for batch in planned]}
            cursor.execute(REOPEN, wanted)  # 4.
            cursor.execute(CLOSE, wanted)
            _record(cursor, planned, run_id, reason)  # 5.
            cursor.execute(LOCK_CHECKS)  # 6.
            cursor.execute(MARK_CHECKS)
        cursor.execute(UNDONE, [str(run_id)])
        return [PlannedBatch(*row) for row in cursor.fetchall()]


def _delete(cursor: Cursor, planned: Sequence[PlannedBatch]) -> None:
    for source in sorted({batch.source for batch in planned}):
        batches = [batch for batch in planned if batch.source == source]
        statement = sql.SQL(DELETE).format(sql.Identifier(source))
        cursor.execute(statement, [[batch.batch_id for batch in batches]])
        expected = sum(batch.documents for batch in batches)
        if cursor.rowcount != expected:
            raise UndoRefused(
                f"raw.{source} has {cursor.rowcount} documents of these batches, {expected} were counted just before; "
                "nothing was undone: run the same command again"
            )


def _record(cursor: Cursor, planned: Sequence[PlannedBatch], run_id: UUID, reason: str | None) -> None:
    undone_by = f"{_user()}@{socket.gethostname()}"
    rows = [
        (
            batch.batch_id,
            str(uuid7()),
            str(run_id),
            undone_by,
            reason,
            batch.documents,
            batch.closed_rejects,
            batch.opened_rejects,
        )
        for batch in planned
    ]
    execute_values(cursor, RECORD, rows, page_size=len(rows))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"
