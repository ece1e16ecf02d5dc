"""Writes to the log beside each known backup what was erased and lifted since."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from uuid import UUID

from pipeline.backups.erasure_log import Entry, LoggedErasure, append, begin_log
from pipeline.backups.errors import BackupError
from pipeline.backups.folders import ERASURES, backup_name
from pipeline.backups.making.destination import pipe_log_folder
from pipeline.backups.making.facts import read_warehouse_id
from pipeline.backups.making.keeping import remove_all_leftovers
from pipeline.backups.restoring.unpacking import FOLDER as UNPACKED
from warehouse.connection import connect, engine
from warehouse.restoring.mark import is_restoring
from warehouse.restoring.scratch import remove_leftovers as remove_scratch_servers
from waybill.cli import shown_command
from waybill.file_lock import file_lock
from waybill.settings import PROJECT, get_settings
from waybill.temporary_files import remove_left_folders
from waybill.text import counted

HAS_ERASED = "select exists (select from ledger.erasures)"
PLACES = "select folder, made_at, backup_id::text from ledger.backups order by made_at"
# The positions are of what was there before, and so may be in a backup. They stay in the ledger, keys do not.
ERASURES_SINCE = """
select erasures.erasure_id::text, erasures.source,
    array(
        select encode(bars.key_hash, 'hex') from ledger.barred_keys as bars
        where bars.erasure_id = erasures.erasure_id
        order by bars.key_hash
    ),
    erasures.key_types, encode(erasures.secret_check, 'hex'), erasures.models, erasures.erased_at::text,
    array(
        select jsonb_build_array(erased.batch_id, erased.position)
        from (
            select documents.batch_id, documents.position from ledger.erased_documents as documents
            where documents.erasure_id = erasures.erasure_id
            union all
            select rejects.batch_id, rejects.position from ledger.rejects where rejects.erased_by = erasures.erasure_id
        ) as erased
        inner join ledger.batches on erased.batch_id = batches.batch_id
        where batches.committed_at < erasures.erased_at
        order by erased.batch_id, erased.position
    )
from ledger.erasures
order by erasures.erased_at, erasures.erasure_id
"""


def log_in_backups(*more: Entry) -> tuple[str, list[str], list[str]]:
    """Append every erasure, and `more`, to the log beside each known backup, unless it is there already.

    Backups in a pipe have one in the state folder. Returns a summary, a sentence for each folder that could not be
    written to, and the names of the backups in a pipe.
    """
    with closing(connect("keeper")) as keeper, keeper, keeper.cursor() as cursor:
        cursor.execute(PLACES)
        known = cursor.fetchall()
        cursor.execute(ERASURES_SINCE)
        entries: list[Entry] = [LoggedErasure(*row) for row in cursor.fetchall()]
    piped = [backup_name(made_at, UUID(backup_id)) for place, made_at, backup_id in known if not place]
    places = {(PROJECT / place).parent for place, *_ in known if place}
    if piped:
        places.add(pipe_log_folder(get_settings()))
        begin_log(pipe_log_folder(get_settings()))  # missing after a restore elsewhere
    folders = sorted(places)
    problems = [problem for folder in folders if (problem := _tell(folder, [*entries, *more]))]
    if not known:
        return "no backup is known", [], []
    told = counted(len(folders) - len(problems), "folder")
    return f"the log of {told} with backups says what was erased", problems, piped


def update_logs() -> list[str]:
    """Append what the log beside each known backup lacks; return what to do for each folder that it cannot reach.

    A folder that is away cannot be compared: it is named although its log may lack nothing.
    """
    with closing(connect("keeper")) as keeper, keeper, keeper.cursor() as cursor:
        cursor.execute(HAS_ERASED)
        has_erased = cursor.fetchone()[0]  # type: ignore[index]
    problems = log_in_backups()[1] if has_erased else []
    update, forget = shown_command("erase"), shown_command("backup --forget FOLDER")
    return [
        f"{problem}: when its backups are there again, run `{update}`; if they were deleted, `{forget}`"
        for problem in problems
    ]


def remove_interrupted() -> list[Path]:
    """Delete what killed backups, restores, drills and others have left; return the backups that it was to become.

    None is at work: an erase holds the lock for runs alone. A restore that erases again deletes nothing: the backup
    from a pipe that it restores is among them, and another command may write to the folder of its backups.
    """
    if is_restoring():
        return []
    remove_scratch_servers()
    remove_left_folders()
    settings = get_settings()
    unpacked = settings.state_folder / UNPACKED
    if unpacked.exists():
        with file_lock(unpacked.with_suffix(".lock"), "waiting for a restore from a pipe"):
            shutil.rmtree(unpacked, ignore_errors=True)
    with engine("reader").connect() as connection:
        return remove_all_leftovers(read_warehouse_id(connection), settings)


def _tell(folder: Path, entries: list[Entry]) -> str | None:
    try:
        append(folder, entries)
    except (OSError, BackupError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{folder / ERASURES} could not be written ({reason})"
    return None
