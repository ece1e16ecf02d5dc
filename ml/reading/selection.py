"""Says which columns of a task's mart are read, as which type, and in which order of rows."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql

from ml.columns import NUMBERS, TEXTS, TIMES, day_since_1970, in_utc
from ml.sets import label_of, set_of
from ml.task import Task

NO_SET = -1  # in SET, of a row without label (a random split), time or group
NO_BLOCK = -(2**31)  # in BLOCK, of a row without time or group; such a row is in no set
LAST_DAY = 2**31 - 1  # in BLOCK, of the time 'infinity'
# A bare name in `order by` would be the text that is selected under it, and 10 come before 9.
COPY = "copy (select {columns} from marts.{table} as mart order by {order}) to stdout (format binary)"

DAY = """
(case
    when {time} is null then {no_block}
    when {time} = '-infinity' then {no_block} + 1
    when {time} = 'infinity' then {last}
    else {day}
end)::int4
"""
# Between numeric and double precision, PostgreSQL refuses what is beyond the range; what is too large must be named.
NUMERIC = """
case
    when abs({0}) < 1e39 then round({0}, 60)::float8
    when {0}::text in ('NaN', 'Infinity', '-Infinity') then {0}::float8
    when {0} is not null then 1e39
end
"""
# The cast to text of other types is not what PostgreSQL writes: 'true' for 't', an address with its mask.
CASTS_AS_WRITTEN = (*NUMBERS, *TIMES, "uuid")


@dataclass(frozen=True)
class Selection:
    """The columns to read.

    `numbers` are read as double precision with NaN for null, `texts` as text with null or an empty text for no value.
    A split by group has the group's text under the name None.
    """

    numbers: list[str]
    texts: list[str | None]
    statement: sql.Composable


def select_columns(task: Task, types: dict[str, str]) -> Selection:
    """Return what is read: set and block, the numeric features, then the texts: label, key, categories, group."""
    texts: list[str | None] = list(dict.fromkeys([task.label, *task.key, *task.categorical]))
    set_of_row = sql.SQL("coalesce({}, {})::int4").format(set_of(task, types), sql.Literal(NO_SET))
    expressions: list[sql.Composable] = [set_of_row]
    expressions.append(_day_of(task, types))
    expressions += [as_number(name, types[name]) for name in task.numeric]
    expressions.append(sql.SQL("{}::text").format(label_of(task, types)))
    expressions += [as_text(str(name), types[str(name)]) for name in texts[1:]]
    if task.split.group_column:
        texts.append(None)
        expressions.append(as_text(task.split.group_column, types[task.split.group_column]))
    order = [*filter(None, [task.split.time_column]), *task.key]
    statement = sql.SQL(COPY).format(
        columns=sql.SQL(", ").join(expressions),
        table=sql.Identifier(task.table),
        order=sql.SQL(", ").join(sql.Identifier("mart", name) for name in order),
    )
    return Selection(task.numeric, texts, statement)


def _day_of(task: Task, types: dict[str, str]) -> sql.Composable:
    """Return the day of a split by time, in UTC, as the number of days since 1970; of other splits a constant."""
    column = task.split.time_column
    if column is None:
        return sql.SQL("0")
    time = in_utc(column, types)
    parts = {"day": day_since_1970(time), "no_block": sql.Literal(NO_BLOCK), "last": sql.Literal(LAST_DAY)}
    return sql.SQL(DAY).format(time=time, **parts)


def as_number(name: str, column_type: str) -> sql.Composable:
    """Return a numeric or boolean column as double precision, with NaN for null."""
    column: sql.Composable = sql.Identifier(name)
    if column_type == "boolean":
        column = sql.SQL("{}::int4").format(column)
    as_double = sql.SQL(NUMERIC if column_type == "numeric" else "{0}::float8").format(column)
    return sql.SQL("coalesce({}, 'NaN')").format(as_double)


def as_text(name: str, column_type: str, *relation: str) -> sql.Composable:
    """Return a column, of a relation if it is named, as COPY writes it."""
    column = sql.Identifier(*relation, name)
    if column_type in TEXTS[:2]:
        return column
    pattern = "{}::text" if column_type in CASTS_AS_WRITTEN else "nullif(format('%s', {0}), '')"
    return sql.SQL(pattern).format(column)
