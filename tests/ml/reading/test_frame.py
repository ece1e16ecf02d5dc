"""The frame has the rows that a plain query returns, whatever they hold, at once and in pieces."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg2.extras import execute_values

from ml.reading.frame import BLOCK, SET, read_rows, stream_rows
from ml.sets import set_of
from ml.task import Task
from tests.support.small.task import TASK, execute
from warehouse.connection import connect

COLUMNS = {
    "id": "text",
    "line": "integer",
    "at": "timestamptz",
    "cafe": "text",
    "kind": "character varying",
    "size": "character(3)",
    "is_open": "boolean",
    "label": "text",
    "price": "numeric",
    "weight": "double precision",
    "height": "real",
    "count": "bigint",
    "is_new": "boolean",
}
MIXED = {
    **TASK,
    "key": ["id", "line"],
    "label": "label",
    "threshold": None,
    "categorical": ["kind", "size", "is_open"],
    "numeric": ["price", "weight", "height", "count", "is_new"],
}
SPLITS: dict[str, dict[str, Any]] = {
    "time": {"time_column": "at", "validation_from": "2024-02-01", "test_from": "2024-03-01"},
    "group": {"group_column": "cafe"},
    "random": {},
}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
FLOAT32 = st.floats(width=32, allow_infinity=False)
ROW = st.tuples(
    TEXT,
    st.integers(-5, 5),
    st.one_of(st.none(), st.datetimes(pd.Timestamp(2023, 12, 1), pd.Timestamp(2024, 4, 30)), st.just("infinity")),
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), TEXT, st.sampled_from(["a", "b"])),
    st.one_of(st.none(), st.text("xyé ", max_size=3)),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.sampled_from(["", "yes", "no"]), TEXT),
    st.one_of(st.none(), st.decimals(-(10**9), 10**9), st.sampled_from(["NaN", "1e-400", "-1e-50"])),
    st.one_of(st.none(), FLOAT32, st.floats(-3e38, 3e38), st.just(-0.0)),
    st.one_of(st.none(), FLOAT32),
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(st.none(), st.booleans()),
)


@pytest.fixture(scope="module")
def mixed(module_database: str) -> None:
    """An empty table with a column of each type."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    execute(f"create table marts.rows ({columns})", "grant select on marts.rows to waybill_trainer")


def fill(rows: list[tuple[Any, ...]]) -> None:
    """Replace the rows of the table."""
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("truncate marts.rows")
        execute_values(cursor, "insert into marts.rows values %s", rows)
    connection.close()


def plainly_read(task: Task) -> list[dict[str, Any]]:
    """Return the rows as psycopg2 returns them, the texts as COPY writes them."""
    texts = [*task.key, *task.categorical]
    selected = ", ".join([*(f"format('%s', {name})" for name in texts), *task.numeric])
    order = ", ".join([*filter(None, [task.split.time_column]), *task.key])
    connection = connect("trainer")
    with connection, connection.cursor() as cursor:
        in_set = set_of(task, COLUMNS).as_string(cursor)
        cursor.execute(
            f"select {selected}, nullif(label, ''), {in_set}, (at at time zone 'UTC')::text, cafe"
            f" from marts.rows order by {order}"
        )
        rows = cursor.fetchall()
    connection.close()
    return [dict(zip([*texts, *task.numeric, "label", "set", "at", "cafe"], row, strict=True)) for row in rows]


def as_number(value: Any) -> float:
    """Return a value as the nearest 32-bit number."""
    return math.nan if value is None else float(np.float32(float(value)))


def is_same(value: Any, expected: Any) -> bool:
    if pd.isna(expected):
        return bool(pd.isna(value))
    return bool(value == expected) and (value != 0 or math.copysign(1, value) == math.copysign(1, expected))


def check_frame(frame: pd.DataFrame, task: Task, expected: list[dict[str, Any]]) -> None:
    """Compare each value with that of the plain query."""
    assert len(frame) == len(expected)
    for name in task.key:
        assert frame[name].tolist() == [row[name] for row in expected]
    for name in (task.label, *task.categorical):
        assert frame[name].tolist() == [row[name] or pytest.approx(math.nan, nan_ok=True) for row in expected]
        assert frame[name].dtype == "category"
    for name in task.numeric:
        assert frame[name].dtype == "float32"
        pairs = zip(frame[name], (as_number(row[name]) for row in expected), strict=True)
        assert all(is_same(value, other) for value, other in pairs), name
    assert frame[SET].tolist() == [-1 if row["set"] is None else row["set"] for row in expected]
    assert (frame[SET].dtype, frame[BLOCK].dtype) == ("int8", "int32")


def check_blocks(frame: pd.DataFrame, task: Task, expected: list[dict[str, Any]]) -> None:
    """Compare the blocks: days, groups or rows."""
    blocks = frame[BLOCK].tolist()
    if task.split.kind == "random":
        assert blocks == list(range(len(frame)))
    elif task.split.kind == "group":
        groups = [row["cafe"] or None for row in expected]
        of_groups = dict(zip(groups, blocks, strict=True))
        assert [of_groups[group] for group in groups] == blocks
        assert len(set(blocks)) == len(set(groups))
    else:
        days = {
            row["at"]: (date.fromisoformat(row["at"][:10]) - date(1970, 1, 1)).days
            for row in expected
            if row["at"] not in (None, "infinity")
        }
        assert blocks == [days.get(row["at"], 2**31 - 1 if row["at"] else -(2**31)) for row in expected]


@pytest.mark.parametrize("kind", SPLITS)
@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])  # to shrink an example takes minutes
@given(rows=st.lists(ROW, max_size=12, unique_by=lambda row: row[:2]), size=st.integers(1, 5))
@pytest.mark.usefixtures("mixed")
def test_the_frame_has_what_a_plain_query_returns(kind: str, rows: list[tuple[Any, ...]], size: int) -> None:
    task = Task.model_validate({**MIXED, "split": SPLITS[kind]})
    fill(rows) if rows else execute("truncate marts.rows")
    expected = plainly_read(task)
    frame = read_rows(task)
    check_frame(frame, task, expected)
    check_blocks(frame, task, expected)
    pieces = list(stream_rows(task, size))
    assert [len(piece) for piece in pieces] == [len(frame[n : n + size]) for n in range(0, len(frame), size)]
    categories = [task.label, *task.categorical]
    whole = pd.concat([piece.astype(dict.fromkeys(categories, object)) for piece in pieces] or [frame])
    check_frame(whole.astype(dict.fromkeys(categories, "category")), task, expected)
    check_blocks(whole, task, expected)
