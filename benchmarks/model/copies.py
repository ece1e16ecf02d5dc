# waybill: sample
"""Copies the rows of a task's mart, one or several times, into a scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2 import sql

from benchmarks.databases import bench_database
from ml.columns import read_column_types
from ml.task import Task
from warehouse.connection import cursor_of

# What dbt makes and training reads. They are empty: the scratch database has no batches.
RECORDS = (
    "create table intermediate.processed_batches (model text, batch_id uuid)",
    "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
)


@dataclass(frozen=True)
class SavedMart:
    """The rows of a task's mart in a file, and the type of each column."""

    task: Task
    file: Path
    types: dict[str, str]


def save_mart(task: Task, file: Path) -> SavedMart:
    """Write the rows of a task's mart into a file.

    Raises:
        NothingToLearn, TaskBroken: there is no such table, or the task cannot use it.
    """
    with cursor_of("reader") as cursor, file.open("wb") as output:
        types = read_column_types(cursor, task)
        statement = sql.SQL("copy {} to stdout (format binary)").format(_listed(task, list(types)))
        cursor.copy_expert(statement, output)
    return SavedMart(task, file, types)


@contextmanager
def scratch_mart(saved: SavedMart, times: int) -> Iterator[int]:
    """Yield the number of rows of a mart in a scratch database, which the settings name meanwhile.

    It has each saved row so many times. Only the key of a copy differs, so that it is in the same set and on the same
    day as the row that it is a copy of.
    """
    with bench_database(), saved.file.open("rb") as rows:
        with cursor_of("transformer") as cursor:
            for statement in (*RECORDS, _create(saved)):
                cursor.execute(statement)
            cursor.copy_expert(
                sql.SQL("copy {} from stdin (format binary)").format(_listed(saved.task, list(saved.types))), rows
            )
            if times > 1:
                cursor.execute(_repeat(saved), [times])
            cursor.execute(sql.SQL("select count(*) from {}").format(_name(saved.task)))
            (found,) = cursor.fetchone()  # type: ignore[misc]
        with cursor_of("transformer") as cursor:  # as dbt leaves it
            cursor.execute(sql.SQL("analyze {}").format(_name(saved.task)))
        yield found


def _create(saved: SavedMart) -> sql.Composable:
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in saved.types.items()]
    return sql.SQL("create table {} ({}, primary key ({}))").format(
        _name(saved.task), sql.SQL(", ").join(columns), sql.SQL(", ").join(map(sql.Identifier, saved.task.key))
    )


def _repeat(saved: SavedMart) -> sql.Composable:
    """Return the statement that adds the copies: the number of a copy is put after the first column of its key."""
    first = saved.task.key[0]
    values = [
        sql.SQL("{} || '-' || number" if name == first else "{}").format(sql.Identifier(name)) for name in saved.types
    ]
    return sql.SQL("insert into {} select {} from {} cross join generate_series(2, %s) as number").format(
        _listed(saved.task, list(saved.types)), sql.SQL(", ").join(values), _name(saved.task)
    )


def _name(task: Task) -> sql.Composable:
    return sql.Identifier("marts", task.table)


def _listed(task: Task, columns: list[str]) -> Any:
    return sql.SQL("{} ({})").format(_name(task), sql.SQL(", ").join(map(sql.Identifier, columns)))
