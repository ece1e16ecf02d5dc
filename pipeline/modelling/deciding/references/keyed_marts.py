"""The marts that exist and have a key of one column, as columns of a new source could refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from warehouse.connection import current_warehouse, login_parameters, open_connection
from warehouse.errors import WarehouseError

KEYED_MARTS = """
select mart.relname, field.attname, format_type(field.atttypid, null), exists (
    select from pg_attribute
    where attrelid = mart.oid and attname = 'is_inferred' and not attisdropped
)
from pg_constraint as key
inner join pg_class as mart on key.conrelid = mart.oid
inner join pg_attribute as field on key.conrelid = field.attrelid and field.attnum = key.conkey[1]
where key.contype = 'p' and cardinality(key.conkey) = 1
    and mart.relnamespace = to_regnamespace('marts') and has_table_privilege(mart.oid, 'select')
order by mart.relname
"""
KNOWN = "select {key}::text from marts.{mart} where {key} = any(%s::{type}[])"
NOT_INFERRED = " and not is_inferred"  # members that facts brought along are not keys of the source


class KeyedMart(Protocol):
    """A mart with a key of one column."""

    @property
    def name(self) -> str:
        """The mart's name."""

    @property
    def column(self) -> str:
        """The column of its key."""

    @property
    def type(self) -> str:
        """The type of the key in PostgreSQL."""

    @property
    def is_dimension(self) -> bool:
        """Whether it is a dimension that can hold inferred members."""

    def known(self, values: Sequence[str]) -> set[str]:
        """Return those of the values that are keys of the mart."""


@dataclass(frozen=True)
class MartInWarehouse:
    """A mart in the database, through an open connection."""

    connection: Connection
    name: str
    column: str
    type: str
    has_inferred: bool

    @property
    def is_dimension(self) -> bool:
        """Whether it is a dimension that can hold inferred members."""
        return self.name.startswith("dim_") and self.has_inferred

    def known(self, values: Sequence[str]) -> set[str]:
        """Return those of the values that are keys of the mart."""
        type_ = "bigint" if self.type == "integer" else self.type  # so that any whole number can be compared
        query = sql.SQL(KNOWN + NOT_INFERRED * self.has_inferred).format(
            key=sql.Identifier(self.column), mart=sql.Identifier(self.name), type=sql.SQL(type_)
        )
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(query, (list(values),))
            return {key for (key,) in cursor.fetchall()}


@contextmanager
def keyed_marts() -> Iterator[list[KeyedMart]]:
    """Give the marts of the warehouse; none if no server answers. Nothing is started or created."""
    try:
        connection = open_connection(login_parameters(current_warehouse(), "reader"))
    except WarehouseError:
        yield []
        return
    with closing(connection):
        yield list(_marts(connection))


def _marts(connection: Connection) -> Iterator[KeyedMart]:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(KEYED_MARTS)
            found = cursor.fetchall()
    except psycopg2.Error:  # a database without the rights or schemas of this project
        return
    for name, column, type_, has_inferred in found:
        yield MartInWarehouse(connection, name, column, type_, has_inferred)
