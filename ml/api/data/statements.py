"""Makes the query that reads features by key, and keeps it while the mart has the same columns."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from ml.columns import read_column_types
from ml.predict import Model
from ml.reading.selection import as_number, as_text
from ml.task import Task

KEEP_SECONDS = 5.0  # then the columns are looked up again, because dbt may have made the mart again
MAX_KEPT = 50  # models
POSITION = "wanted-position"  # no column that a task names has a hyphen

# The name of a type in quotes has no length: "bpchar" is any char(n), while `character` would be char(1).
KEY_TYPES = """
select attname::text, format('%%I.%%I', nspname, typname)
from pg_attribute
inner join pg_type on atttypid = pg_type.oid
inner join pg_namespace on typnamespace = pg_namespace.oid
where attrelid = to_regclass(%s) and attname = any(%s)
"""
# A key is found by the index of its column, so the given text is cast, and only if the type can hold it.
AS_TYPE = "case when pg_input_is_valid({given}, {type_name}) then {given}::{type} end"
HEAD = "copy (select (wanted.{position} - 1)::int4, 0, {columns} from rows from ("
TAIL = """) with ordinality as wanted ({given}, {position})
inner join marts.{table} as mart on {matches}) to stdout (format binary)
"""


@dataclass(frozen=True)
class Statement:
    """A query as text around its keys, and what it reads: the features that are numbers and those that are texts.

    `task` is the model's, without the numbers that the model left out. `begin_reading` begins a transaction and opens
    the mart, which nobody can then replace until it ends.
    """

    task: Task
    begin_reading: str
    head: str
    tail: str
    key_types: dict[str, str]
    numbers: list[str]
    texts: list[str]

    def with_keys(self, cursor: Cursor, values: list[list[str | None]]) -> str:
        """Return the query for some keys, given as one list for each column of the key."""
        arrays = [cursor.mogrify("unnest(%s::text[])", [column]).decode() for column in values]
        return f"{self.head}{', '.join(arrays)}{self.tail}"


class Statements:
    """The statement of each model, for any number of threads."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: dict[str, tuple[float, Statement]] = {}
        self._lock = threading.Lock()

    def of(self, cursor: Cursor, model: Model) -> Statement:
        """Return the statement of a model; the columns of its mart were looked up a few seconds ago at most.

        Raises:
            NothingToLearn, TaskBroken: the mart is missing, or a column of the task, or it has an unusable type.
        """
        with self._lock:
            made_at, statement = self._kept.get(model.model_id, (0.0, None))
        if statement is None or time.monotonic() - made_at > KEEP_SECONDS:
            statement = _make_statement(cursor, model)
            with self._lock:
                if len(self._kept) >= MAX_KEPT:
                    self._kept.clear()
                self._kept[model.model_id] = (time.monotonic(), statement)
        return statement

    def forget(self, model: Model) -> None:
        """Look up the columns of a model's mart again when they are needed."""
        with self._lock:
            self._kept.pop(model.model_id, None)


def _make_statement(cursor: Cursor, model: Model) -> Statement:
    task = model.task
    types = read_column_types(cursor, task)
    table = sql.Identifier("marts", task.table).as_string(cursor)
    cursor.execute(KEY_TYPES, [table, task.key])
    key_types = dict(cursor.fetchall())
    numbers = [name for name in task.numeric if name in model.features]
    texts = [name for name in task.categorical if name in model.features]
    columns = [as_number(name, types[name]) for name in numbers] + [as_text(name, types[name]) for name in texts]
    given = [sql.Identifier(f"wanted-{number}") for number in range(len(task.key))]
    matches = [
        sql.SQL("mart.{} = {}").format(sql.Identifier(name), _as_type(one, key_types[name]))
        for name, one in zip(task.key, given, strict=True)
    ]
    position = sql.Identifier(POSITION)
    head = sql.SQL(HEAD).format(position=position, columns=sql.SQL(", ").join(columns))
    tail = sql.SQL(TAIL).format(
        given=sql.SQL(", ").join(given),
        position=position,
        table=sql.Identifier(task.table),
        matches=sql.SQL(" and ").join(matches),
    )
    named = {name: types[name] for name in task.key}
    read = task.model_copy(update={"numeric": numbers})
    begin = sql.SQL("begin; select from marts.{} limit 0").format(sql.Identifier(task.table)).as_string(cursor)
    return Statement(read, begin, head.as_string(cursor), tail.as_string(cursor), named, numbers, texts)


def _as_type(given: sql.Composable, type_name: str) -> sql.Composable:
    return sql.SQL(AS_TYPE).format(given=given, type_name=sql.Literal(type_name), type=sql.SQL(type_name))
