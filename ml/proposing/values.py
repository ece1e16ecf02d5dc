"""Reads the values that leaks are looked for in: at most 200,000 labelled rows, a few columns of them at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg2 import sql

from ml.proposing.labels import Label
from ml.proposing.mart import Column, Mart

MAX_ROWS = 200_000
COLUMNS_AT_ONCE = 16

# The rows are those with the smallest hashes of their keys: the same ones for the same data, in the same order.
COPY = """
copy (
    select {columns} from {relation} where {number} is not null
    order by hashtextextended(row({key})::text, 0), row({key})::text limit {limit}
) to stdout (format csv, header)
"""


def read_values(
    cursor: Any, mart: Mart, label: Label, columns: Sequence[Column]
) -> Iterator[tuple[Column | None, Any]]:
    """Yield first None with the class of each row (its position in `label.classes`), then each column with its values.

    All are arrays of doubles with NaN where there is no value: a boolean is 1 or 0, a text is a hash of it.
    """
    import pandas as pd

    selected = [label.number, *(_selected(column) for column in columns)]
    statement = sql.SQL(COPY).format(
        columns=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(one, sql.Identifier(f"c{number}")) for number, one in enumerate(selected)
        ),
        relation=sql.Identifier("marts", mart.name),
        number=label.number,
        key=sql.SQL(", ").join(map(sql.Identifier, mart.key)),
        limit=sql.Literal(MAX_ROWS),
    )
    with tempfile.TemporaryFile() as spool:
        cursor.copy_expert(statement.as_string(cursor), spool)
        for start in range(0, len(selected), COLUMNS_AT_ONCE):
            numbers = range(start, min(start + COLUMNS_AT_ONCE, len(selected)))
            spool.seek(0)
            frame = pd.read_csv(spool, usecols=[f"c{number}" for number in numbers], dtype="float64")
            for number in numbers:
                yield columns[number - 1] if number else None, frame[f"c{number}"].to_numpy()


def _selected(column: Column) -> sql.Composable:
    """Return the expression that reads a column as a number."""
    how = {"number": "{}::float8", "boolean": "{}::integer"}.get(column.kind, "hashtext({}::text)")
    return sql.SQL(how).format(sql.Identifier(column.name))
