"""Reads names, columns and counts for events from the warehouse, without ever starting, migrating or waiting for it."""

from __future__ import annotations

import socket
from typing import Any

import psycopg2

from warehouse.connection import current_warehouse, login_parameters

CONNECT_SECONDS = "2"
TIMEOUTS = " -c statement_timeout=2000 -c lock_timeout=500"
COLUMNS = """
select attributes.attname, format_type(attributes.atttypid, attributes.atttypmod)
from pg_attribute as attributes
inner join pg_class as relations on attributes.attrelid = relations.oid
inner join pg_namespace as schemas on relations.relnamespace = schemas.oid
where schemas.nspname = %s and relations.relname = %s and attributes.attnum > 0 and not attributes.attisdropped
order by attributes.attnum
"""


class WarehouseReader:
    """A read-only connection that is opened for the first query and closed when nothing is left to describe."""

    def __init__(self) -> None:
        """Note where the warehouse is; nothing is opened."""
        warehouse = current_warehouse()
        self.database = warehouse.settings.pgdatabase
        host = socket.gethostname() if warehouse.server else warehouse.settings.pghost
        port = 5432 if warehouse.server else warehouse.settings.pgport
        self.host, self.port = str(host), str(port)
        self._connection: Any = None

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the warehouse does not answer at once, and the event has less in it."""
        try:
            with self._opened().cursor() as cursor:
                cursor.execute(query, values)
                found: list[tuple[Any, ...]] = cursor.fetchall()
                return found
        except psycopg2.Error:
            self.close()
            return []

    def columns(self, schema: str, table: str) -> list[tuple[str, str]]:
        """Return the names and types of the columns of a table or view, in their order."""
        return [(name, kind) for name, kind in self.rows(COLUMNS, schema, table)]

    def _opened(self) -> Any:
        if self._connection is None:
            parameters = login_parameters(current_warehouse(), "reader")
            parameters["options"] += TIMEOUTS
            parameters["connect_timeout"] = CONNECT_SECONDS
            self._connection = psycopg2.connect(**parameters)  # type: ignore[call-overload]
            self._connection.autocommit = True
        return self._connection

    def close(self) -> None:
        """Close the connection; the next query opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
