"""What `python -m warehouse status` shows."""

from __future__ import annotations

from pathlib import Path

import click
from psycopg2 import sql

from warehouse import embedded
from warehouse.connection import Warehouse, cursor_of
from warehouse.logins import has_own_logins

PSQL = "psql: .venv/bin/python -m warehouse psql"

TABLES = """
select schemaname, tablename, pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)
from pg_tables
where schemaname in ('raw', 'ledger', 'marts', 'predictions')
order by array_position(array['raw', 'ledger', 'marts', 'predictions'], schemaname::text), tablename
"""


def print_status(warehouse: Warehouse) -> None:
    """Say where the warehouse is, what is in it, and how to open it; starts nothing."""
    click.echo(f"server:   {warehouse.description}")
    if warehouse.place and not embedded.answers(warehouse.place):
        click.echo("state:    not running (start it: make up)")
        click.echo(_psql())
        return
    with cursor_of("reader") as cursor:
        cursor.execute("select split_part(version(), ' ', 2), pg_size_pretty(pg_database_size(current_database()))")
        version, size = cursor.fetchone()  # type: ignore[misc]
        click.echo(f"state:    running, PostgreSQL {version}")
        click.echo(f"database: {warehouse.settings.pgdatabase}, {size}")
        logins = "one each for loader, transformer, trainer and reader"
        if not has_own_logins(warehouse.settings):
            login = cursor.connection.info.user
            logins = f"one login, {login}, does all: it may not create others, or they are not its own"
        click.echo(f"logins:   {logins}")
        cursor.execute(TABLES)
        for schema, table, size_bytes in cursor.fetchall():
            cursor.execute(sql.SQL("select count(*) from {}.{}").format(sql.Identifier(schema), sql.Identifier(table)))
            rows = cursor.fetchone()[0]  # type: ignore[index]
            click.echo(f"  {schema + '.' + table:<36} {rows:>12,} rows {size_bytes / 1e6:>9,.1f} MB")
    click.echo(_psql())


def _psql() -> str:
    return PSQL if Path(".venv").exists() else PSQL.replace(".venv/bin/", "")
