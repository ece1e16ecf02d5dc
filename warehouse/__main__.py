"""`python -m warehouse`: start, stop, inspect and open the warehouse."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import shutil

import click

from warehouse import embedded
from warehouse.connecting.confirming import confirm_database
from warehouse.connection import (
    Warehouse,
    connection_parameters,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
    start_server,
)
from warehouse.errors import ServerUnreachable
from warehouse.migrations.workers import wait_for_all_workers, wait_for_lock
from warehouse.restoring.mark import only_restore
from warehouse.schema import drop_everything
from warehouse.server_paths import installed_binaries
from warehouse.status import print_status
from waybill.cli import run

LIBPQ_VARIABLES = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
    "PGSSLMODE": "sslmode",
    "PGOPTIONS": "options",
}


@click.group(help="Example: python -m warehouse up\n\nStart, stop, inspect and open the warehouse.")
def warehouse() -> None:
    """Group the commands."""


@warehouse.command()
def up() -> None:
    """Start the embedded server, or check the external one; create or migrate logins and tables."""
    connection_parameters("owner")
    found = current_warehouse()
    click.echo(f"warehouse up: {found.description}, database {found.settings.pgdatabase}")


@warehouse.command()
def down() -> None:
    """Stop the embedded server, when no command works on it any more. The data stays."""
    found = current_warehouse()
    _wait_for_workers(found)
    if found.server is None:
        click.echo(f"nothing to stop: {found.description} is not run by Waybill")
    elif embedded.stop(found.server):
        click.echo(f"stopped: {found.description}")
    else:
        click.echo(f"not running: {found.description}")


@warehouse.command()
@click.option("--yes", metavar="DATABASE", help="Do not ask; DATABASE is the name of the database, as a confirmation.")
def remove(yes: str | None) -> None:
    """Delete the embedded server with all of its databases. An external server is left alone.

    Asks for the name of the database first, and waits until no command works on the server.
    """
    found = current_warehouse()
    if found.server is None:
        click.echo(f"nothing to remove: {found.description} is not run by Waybill")
        return
    confirm_database(
        f"This deletes the {found.description}, with every database in it.", found.settings.pgdatabase, yes
    )
    _wait_for_workers(found)
    embedded.remove(found.server)
    click.echo(f"removed: {found.description}")


@warehouse.command()
def status() -> None:
    """Show where the warehouse is, which tables it has and how to open it."""
    print_status(current_warehouse())


@warehouse.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql with the read-only login. All arguments go to psql; `-U waybill` is the embedded server's owner."""
    found = current_warehouse()
    parameters = connection_parameters("reader")
    embedded_psql = found.server.binaries / "psql" if found.server else shutil.which("psql")
    program = str(embedded_psql or installed_binaries() / "psql")
    chosen = {name: parameters[keyword] for name, keyword in LIBPQ_VARIABLES.items() if keyword in parameters}
    own_start_file = [] if found.server is None else ["--no-psqlrc"]  # it may connect to another server
    os.execve(program, [program, *own_start_file, *arguments], {**os.environ, **chosen})  # noqa: S606


@warehouse.command()
@click.option("--yes", metavar="DATABASE", help="Do not ask; DATABASE is the name of the database, as a confirmation.")
def reset(yes: str | None) -> None:
    """Drop all of Waybill's tables from the database and create them again, empty.

    Asks for the name of the database first, and waits until no command works on it.
    """
    found = current_warehouse()
    name = found.settings.pgdatabase
    confirm_database(
        f"This drops all of Waybill's tables in {found.description}, database {name}, with their rows.", name, yes
    )
    start_server(found)
    try:
        connection = open_connection(login_parameters(found, "owner"))
    except ServerUnreachable:
        if not found.server:
            raise
    else:
        with only_restore(connection):  # a restore that is at work is not emptied
            wait_for_lock(connection, "pg_try_advisory_lock", "reset waits for commands to end")
            drop_everything(connection)
        connection.close()
    forget()
    connection_parameters("owner")
    click.echo(f"reset: database {name} is empty")


def _wait_for_workers(found: Warehouse) -> None:
    """Wait until no command works on the embedded server, if it is running."""
    if found.server is None or not embedded.accepts_connections(found.server):
        return
    connection = open_connection(login_parameters(found, "owner", database="postgres"))
    connection.autocommit = True
    try:
        wait_for_all_workers(connection)
    finally:
        connection.close()


if __name__ == "__main__":
    run(warehouse, "python -m warehouse")
