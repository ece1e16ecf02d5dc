"""Marks a database as being restored, so that no other command works on half of a warehouse.

The mark is a schema whose comment says, in JSON, what is restored and by which command. It is made before anything is
restored and dropped when all is complete, so it outlives a restore that was killed; repeating the restore starts from
an empty database again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.errors import RestoreAtWork, RestoreInterrupted
from warehouse.migrations.workers import lock_holders
from waybill.project.shown_command import shown_command

SCHEMA = "waybill_restore"
KEY = 0x5741594D  # the advisory lock of the restore that is at work
PROGRAMS = "waybill restore: pg_restore"  # how PostgreSQL names the sessions of the programs that a restore starts

MARK = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s"
END_SESSIONS = """
select pg_terminate_backend(pid, 10000)
from pg_stat_activity
where datname = current_database() and application_name = %s and pid <> pg_backend_pid()
"""

_is_own = False


@dataclass(frozen=True)
class Mark:
    """A restore that is not complete: the command that completes it, its backup, and the folder that its models are in.

    The models in this folder are those of the backup, or what the restore has made of them.
    """

    command: str = "restore DIR"
    backup_id: str = ""
    models_folder: str = ""


def find_mark(cursor: Cursor) -> Mark | None:
    """Return the restore into the database that was begun and is not complete; None if there is none."""
    cursor.execute(MARK, [SCHEMA])
    found = cursor.fetchone()
    return None if found is None else Mark(**json.loads(found[0] or "{}"))


def read_mark(connection: Connection) -> Mark | None:
    """Return what `find_mark` returns, and end the transaction."""
    with connection, connection.cursor() as cursor:
        return find_mark(cursor)


def require_no_mark(connection: Connection) -> None:
    """Check that no other command is restoring into the database, or was interrupted.

    Raises:
        RestoreAtWork, RestoreInterrupted: see `warehouse.errors`.
    """
    if _is_own:
        return
    with connection.cursor() as cursor:
        mark = find_mark(cursor)
        if mark is None:
            return
        name = connection.info.dbname
        if lock_holders(cursor, KEY):
            raise RestoreAtWork(f"a restore into the database {name} is at work: wait for its end, then run this again")
    raise RestoreInterrupted(
        f"a restore into the database {name} was interrupted: run `{shown_command(mark.command)}` again, or empty the "
        f"database with `{shown_command('reset')}`"
    )


@contextmanager
def only_restore(connection: Connection) -> Iterator[None]:
    """Be the only restore into the database during the block, on the owner's connection.

    What programs of a killed restore still write is ended first.

    Raises:
        RestoreAtWork: another restore is at work.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [KEY])  # it outlives the transaction
        if not cursor.fetchone()[0]:  # type: ignore[index]
            raise RestoreAtWork(
                f"another restore into the database {connection.info.dbname} is at work: wait for its end"
            )
        cursor.execute(END_SESSIONS, [PROGRAMS])
    yield  # the lock ends with the connection


@contextmanager
def working_on_marked() -> Iterator[None]:
    """Let this process work on the marked database during the block."""
    global _is_own
    _is_own = True
    try:
        yield
    finally:
        _is_own = False


def is_restoring() -> bool:
    """Return whether this process is restoring, into the database that it works on."""
    return _is_own


def set_mark(cursor: Cursor, mark: Mark) -> None:
    """Mark the database; the command in the mark is without `waybill`."""
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
    text = sql.Literal(json.dumps(asdict(mark)))
    cursor.execute(sql.SQL("comment on schema {} is {}").format(sql.Identifier(SCHEMA), text))


def remove_mark(cursor: Cursor) -> None:
    """Remove the mark, if there is one."""
    cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SCHEMA)))
