"""Keeps rows within what PostgreSQL can hold: 1,600 columns, and 8 kB in which long values count as 20 bytes.

If the columns of a table could fill more than 6,000 bytes, its rarest fields (then the last by pointer) are kept
together in one jsonb column, `other_fields`, which maps the pointer of a field to its value.
"""

from __future__ import annotations

from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable

MAX_ROW_BYTES = 6_000
LONG_BYTES, SHORT_BYTES = 20, 8
LONG_TYPES = ("text", "numeric", "jsonb")


def split_wide(table: DraftTable, kept: frozenset[Names], apart: frozenset[Names] = frozenset()) -> list[DraftColumn]:
    """Take the columns that a row cannot hold out of a table, and return them by pointer.

    `kept` are never taken, `apart` always.
    """
    room = MAX_ROW_BYTES
    is_narrow = sum(_bytes(column) for column in table.columns) <= room
    if is_narrow and all(column.path not in apart for column in table.columns):
        return []
    room -= LONG_BYTES  # other_fields
    held: list[DraftColumn] = []
    others: list[DraftColumn] = []
    for column in sorted(table.columns, key=lambda column: (column.path not in kept, -column.present, column.pointer)):
        if column.path in apart:
            others.append(column)
            continue
        room -= _bytes(column)
        (held if room >= 0 or column.path in kept else others).append(column)
    table.columns = held
    return sorted(others, key=lambda column: column.pointer)


def _bytes(column: DraftColumn) -> int:
    return LONG_BYTES if column.type in LONG_TYPES else SHORT_BYTES
