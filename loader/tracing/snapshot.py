"""One read-only transaction for several queries, so that all parts of an answer show the same moment."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor


class Snapshot:
    """A read-only transaction in which every query sees the data as of its first query."""

    def __init__(self, connection: Connection) -> None:
        """Take over a connection that has run no query yet; leaving the `with` block closes it."""
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        self._connection = connection

    def __enter__(self) -> Snapshot:
        """Return the snapshot itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.close()

    def rows(self, statement: str | sql.Composable, values: Any = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def cursor(self) -> Cursor:
        """Return a cursor for queries that somebody else runs in this transaction."""
        return self._connection.cursor()

    def has_table(self, name: str) -> bool:
        """Return whether a table or view of this qualified name exists, such as `marts.orders`."""
        return bool(self.rows("select to_regclass(%s) is not null", [name])[0][0])
