"""Encodes rows in the binary format of PostgreSQL's COPY, and copies them into a table."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts timestamps from here
MICROSECOND = timedelta(microseconds=1)

# The head of a row of a raw table: the number of fields (4), then length and value of batch, position and fingerprint,
# then the length of the jsonb and its format version. The document's text follows.
RAW_ROW = struct.Struct(">hi16siqi16sib")
JSONB_VERSION = 1


def position_of(head: bytes) -> int:
    """Return the position in the head of a row."""
    position: int = RAW_ROW.unpack(head)[4]
    return position


def row(*values: bytes | str | int | UUID | datetime | None) -> bytes:
    """Return a row of any table; int is bigint, str is text, bytes is bytea, datetime (aware) is timestamptz."""
    parts = [struct.pack(">h", len(values))]
    for value in values:
        if value is None:
            parts.append(struct.pack(">i", -1))
            continue
        if isinstance(value, UUID):
            data = value.bytes
        elif isinstance(value, int):
            data = struct.pack(">q", value)
        elif isinstance(value, datetime):
            data = struct.pack(">q", (value - EPOCH) // MICROSECOND)
        else:
            data = value if isinstance(value, bytes) else _text(value)
        parts.append(struct.pack(">i", len(data)) + data)
    return b"".join(parts)


def copy_rows(cursor: Cursor, table: sql.Identifier, columns: tuple[str, ...], rows: list[bytes]) -> None:
    """COPY encoded rows into a table in one message, so that no other Python thread can interrupt the copy."""
    if not rows:
        return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(table, names)
    data = b"".join([HEADER, *rows, TRAILER])
    cursor.copy_expert(statement.as_string(cursor), io.BytesIO(data), size=len(data))


def _text(value: str) -> bytes:
    """Return text that PostgreSQL can store: NUL and lone surrogates are written as escapes."""
    return value.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace")
