"""Reads the features of rows by their keys, with the expressions of scoring, so that answers equal its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor

from ml.api.data.connections import Connections
from ml.api.data.statements import Statement, Statements
from ml.errors import ModelError, TaskBroken
from ml.predict import Model
from ml.reading.binary_copy import Piece, Rows
from ml.reading.checks import check_numbers

Features = dict[str, float | str | None]  # in the order of `Model.features`; None is a missing value
Values = list[list[str | None]]  # a list for each column of the key


class FeatureReader:
    """Reads with a small pool of the role api's connections, for any number of threads."""

    def __init__(self, connections: Connections | None = None) -> None:
        """Open nothing yet."""
        self._connections = connections or Connections()
        self._statements = Statements()

    def read_features(self, model: Model, keys: Sequence[dict[str, Any]]) -> list[Features | None]:
        """Return the features of each key, in the order of the keys; None for a key that no row has.

        A key has one scalar for each column of `model.task.key`, as JSON gives it; a value that the column's type
        cannot hold is a key that no row has. One query reads all keys, a second one those that were not found. A number
        is double precision, a text is as the database writes it; null, NaN and an empty text are missing.

        Raises:
            DatabaseAway: the database cannot be reached, takes too long, or all connections are in use.
            ModelError: the mart is not what the task says: a table or column is missing, a key repeats, a number is
                infinite or above 3.4e38.
        """
        if not keys:
            return []
        values = [[as_text(key.get(name)) for key in keys] for name in model.task.key]
        return self._connections.run(lambda cursor: self._read(cursor, model, values))

    def key_types(self, model: Model) -> dict[str, str]:
        """Return column of the key → its type as PostgreSQL names it, such as `bigint`.

        Raises:
            DatabaseAway, ModelError: as `read_features` raises them.
        """
        return self._connections.run(lambda cursor: self._statements.of(cursor, model)).key_types

    def close(self) -> None:
        """Close all connections; requests that are being answered keep theirs until they end."""
        self._connections.close()

    def _read(self, cursor: Cursor, model: Model, values: Values) -> list[Features | None]:
        """Read once more with another statement if the mart was made again with other columns or types."""
        try:
            return _read_all(cursor, self._statements.of(cursor, model), values)
        except (psycopg2.ProgrammingError, psycopg2.InternalError, ModelError):
            self._statements.forget(model)
            return _read_all(cursor, self._statements.of(cursor, model), values)


def _read_all(cursor: Cursor, statement: Statement, values: Values) -> list[Features | None]:
    """Return the features of all keys; those that were not found are read once more, in a lock.

    COPY reads what was committed when it began: if it then waited until dbt had replaced the mart, it finds the new
    table empty. In a transaction that has the table open, nobody replaces it.
    """
    found = _copy(cursor, statement, values)
    missing = [position for position, features in enumerate(found) if features is None]
    if not missing:
        return found
    try:
        cursor.execute(statement.begin_reading)
        again = _copy(cursor, statement, [[column[position] for position in missing] for column in values])
    finally:
        if not cursor.connection.closed:
            cursor.execute("rollback")  # which also ends one that only read, or that failed
    for position, features in zip(missing, again, strict=True):
        found[position] = features
    return found


def _copy(cursor: Cursor, statement: Statement, values: Values) -> list[Features | None]:
    found: list[Features | None] = [None] * len(values[0])
    task = statement.task

    def take(piece: Piece) -> None:
        check_numbers(task, piece.numbers)
        for position, features in zip(piece.sets.tolist(), _features(statement, piece), strict=True):
            if found[position] is not None:
                raise TaskBroken(
                    f"marts.{task.table} has a key that several rows have: correct `key` in ml/tasks/{task.task}.yml "
                    f"so that {', '.join(task.key)} names each row once"
                )
            found[position] = features

    rows = Rows(len(statement.numbers), len(statement.texts), len(found), take)
    cursor.copy_expert(statement.with_keys(cursor, values), rows)
    rows.finish()
    return found


def _features(statement: Statement, piece: Piece) -> list[Features]:
    """Return the features of the rows of a piece, in the order in which the model takes them."""
    numbers = _with_none(piece.numbers)
    texts = [[text and text.decode() for text in column] for column in piece.texts]
    by_row = zip(*texts, strict=True) if texts else [()] * len(piece)
    names = [*statement.texts, *statement.numbers]
    return [dict(zip(names, [*of_texts, *of_numbers], strict=True))
            for of_texts, of_numbers in zip(by_row, numbers, strict=True)]  # fmt: skip


def _with_none(numbers: Any) -> list[list[float | None]]:
    """Return the rows of an array as lists, with None for NaN."""
    import numpy as np

    native = numbers.astype("float64")
    rows: list[list[float | None]] = native.tolist()
    for row, column in zip(*(indexes.tolist() for indexes in np.isnan(native).nonzero()), strict=True):
        rows[row][column] = None
    return rows


def as_text(value: Any) -> str | None:
    """Return a scalar of JSON as PostgreSQL reads it; None for what no column can hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str) or "\0" in value or not _is_unicode(value):
        return None
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
