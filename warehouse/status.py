"""Prints where the warehouse is, which tables it has, and how to open it."""

from __future__ import annotations

import click
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from warehouse import embedded
from warehouse.connection import Warehouse, connection_parameters, cursor_of, login_parameters
from warehouse.logins import ROLES, own_logins
from warehouse.work_lock import close_ended_runs
from waybill.cli import shown_command
from waybill.declared.adopting import advice, is_generated
from waybill.text import counted

TABLES = """
select schemaname, tablename, pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)
from pg_tables
where schemaname in ('raw', 'ledger', 'marts', 'predictions') and tablename <> 'alembic_version'
order by array_position(array['raw', 'ledger', 'marts', 'predictions'], schemaname::text), tablename
"""
MODELLED = """
select distinct substring(classes.relname from '^int_(.+)_outcomes$')
from pg_depend as dependencies
inner join pg_rewrite as rules on dependencies.objid = rules.oid
inner join pg_class as classes on dependencies.refobjid = classes.oid
where dependencies.classid = 'pg_rewrite'::regclass and classes.relname ~ '^int_.+_outcomes$'
    and rules.ev_class = to_regclass('intermediate.document_outcomes')
"""
# The models whose predictions are shown, and what their last check found; it is outdated if the mart was written since.
CHECKS = """
select task, is_stale, is_outdated or table_state is distinct from predictions.table_state(mart),
    to_char(checked_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
from predictions.model_checks
where model_id::text = substring(
    pg_get_viewdef(to_regclass(format('predictions.%I', task))) from $$model_id = '([0-9a-f-]{36})'::uuid$$
)
order by task
"""


def print_status(warehouse: Warehouse) -> None:
    """Print the warehouse's address, state, logins and tables; start nothing."""
    click.echo(f"server:   {warehouse.description}")
    refusal = embedded.find_refusal(warehouse.server) if warehouse.server else None
    if warehouse.server and refusal:
        is_running = embedded.find_process(warehouse.server) is not None
        state = (
            f"running, accepts no connection now: {refusal}"
            if is_running
            else f"not running (start it: {shown_command('up')})"
        )
        click.echo(f"state:    {state}")
        click.echo(psql_line())
        return
    connection_parameters("reader")  # creates no database
    with cursor_of("loader") as cursor:
        close_ended_runs(cursor)
    with cursor_of("reader") as cursor:
        cursor.execute("select split_part(version(), ' ', 2), pg_size_pretty(pg_database_size(current_database()))")
        version, size = cursor.fetchone()  # type: ignore[misc]
        click.echo(f"state:    running, PostgreSQL {version}")
        click.echo(f"database: {warehouse.settings.pgdatabase}, {size}")
        click.echo(f"logins:   {_logins(warehouse)}")
        cursor.execute(MODELLED)
        modelled = {name for (name,) in cursor.fetchall()}
        cursor.execute(TABLES)
        for schema, table, size_bytes in cursor.fetchall():
            cursor.execute(sql.SQL("select count(*) from {}.{}").format(sql.Identifier(schema), sql.Identifier(table)))
            rows = cursor.fetchone()[0]  # type: ignore[index]
            noun = "row " if rows == 1 else "rows"
            note = "   not modelled" if rows and modelled and schema == "raw" and table not in modelled else ""
            click.echo(f"  {schema + '.' + table:<36} {rows:>12,} {noun} {size_bytes / 1e6:>9,.1f} MB{note}")
        _print_not_adopted(cursor)
        _print_checks(cursor)
    click.echo(psql_line())


def _print_not_adopted(cursor: Cursor) -> None:
    """Print how many fields of current documents no mart holds, if there are any."""
    cursor.execute("select to_regclass('intermediate.fields_not_adopted')")
    if cursor.fetchone() == (None,):
        return
    cursor.execute("select source, count(*) from intermediate.fields_not_adopted group by source order by source")
    if found := cursor.fetchall():
        numbers = ", ".join(f"{source} {counted(fields, 'field')}" for source, fields in found)
        click.echo(f"not adopted: {numbers} that no mart holds: select * from intermediate.fields_not_adopted")
        for source, _ in found:
            if is_generated(source):
                click.echo(f"  {advice('fields', source)}")


def _print_checks(cursor: Cursor) -> None:
    """Print whether the training rows of each current model had changed when they were last compared."""
    cursor.execute(CHECKS)
    for task, is_stale, is_outdated, checked_at in cursor.fetchall():
        found = "STALE, its training rows have changed" if is_stale else "its training rows have not changed"
        command = shown_command(f"train --task {task}") if is_stale else shown_command(f"verify {task}")
        advice = f": {command}" if is_stale or is_outdated else ""
        outdated = ", outdated now" if is_outdated else ""
        click.echo(f"model:    {task}: {found}, checked {checked_at} UTC{outdated}{advice}")


def _logins(warehouse: Warehouse) -> str:
    """Return which roles have their own login, and which login plays the others."""
    own = own_logins(warehouse.settings)
    login = login_parameters(warehouse, "owner").get("user", "the default user")
    if not own:
        return f"one login, {login}, plays all roles: it may not create others, or they belong to another program"
    others = [role for role in ROLES if role not in own]
    played = f"; {login} plays {' and '.join(others)}: it may not create the login" if others else ""
    return f"one each for {', '.join(own[:-1])} and {own[-1]}{played}"


def psql_line() -> str:
    """Return the line that shows how to open psql, as it can be typed in this shell and folder."""
    return f"psql:     {shown_command('psql')}"
