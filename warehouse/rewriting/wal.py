"""Removes the embedded server's write-ahead log up to now: old segments, and those that were renamed for later use."""

from __future__ import annotations

import errno
import os
from contextlib import closing

from psycopg2 import InternalError
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse import embedded
from warehouse.connection import connect, current_warehouse
from warehouse.errors import RewriteBlocked

SEGMENTS = "select name from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'"
CURRENT = "select pg_walfile_name(pg_current_wal_insert_lsn())"
KEEP_NO_OLD_FILES = "alter system set wal_recycle = off"
AS_BEFORE = "alter system reset wal_recycle"
RELOAD = "select pg_reload_conf()"
IS_OFF = "select current_setting('wal_recycle') = 'off'"
SLOTS = "select coalesce(string_agg(slot_name, ', ' order by slot_name), 'wal_keep_size') from pg_replication_slots"
# A switch does nothing without a record since the last one. It fills the rest of the segment with zeros.
NEXT_SEGMENT = "select pg_logical_emit_message(false, 'waybill', ''), pg_switch_wal()"


def remove_old_wal() -> int:
    """Remove every segment of the write-ahead log that exists now; return their number.

    1. Let PostgreSQL remove a segment that is not needed, instead of renaming it with its content for later use.
    2. Go past the segments that were renamed before.
    3. A checkpoint removes all segments before the one that is written now.

    Raises:
        RewriteBlocked: a replication slot or a setting keeps old segments.
        OSError: the disk of the server is full.
    """
    with closing(connect("owner")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(KEEP_NO_OLD_FILES)  # 1.
            try:
                _reload(connection)
                return _remove(cursor)
            finally:
                cursor.execute(AS_BEFORE)
                cursor.execute(RELOAD)


def _reload(connection: Connection) -> None:
    """Apply the setting in the checkpointer: it has it by the time of the checkpoint that is asked for afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(RELOAD)
        _checkpoint(cursor)
        _checkpoint(cursor)


def _remove(cursor: Cursor) -> int:
    old = _segments(cursor)
    cursor.execute(NEXT_SEGMENT)
    while _current(cursor) <= max(old):  # 2.
        cursor.execute(NEXT_SEGMENT)
    _checkpoint(cursor)  # 3.
    if kept := old & _segments(cursor):
        cursor.execute(SLOTS)
        raise RewriteBlocked(
            f"{len(kept)} segments of the write-ahead log are kept by {cursor.fetchone()[0]}: "  # type: ignore[index]
            "remove it, then run the same command again"
        )
    return len(old)


def _checkpoint(cursor: Cursor) -> None:
    """Write a checkpoint; say if the disk is full, which PostgreSQL writes to its log only."""
    try:
        cursor.execute("checkpoint")
    except InternalError as error:
        server = current_warehouse().server
        if server is None or not embedded.is_full(server):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(server.data)) from error


def _segments(cursor: Cursor) -> set[str]:
    cursor.execute(SEGMENTS)
    return {name for (name,) in cursor.fetchall()}


def _current(cursor: Cursor) -> str:
    cursor.execute(CURRENT)
    return cursor.fetchone()[0]  # type: ignore[index,no-any-return]
