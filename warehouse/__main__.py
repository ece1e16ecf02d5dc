"""`python -m warehouse`: start, stop, look at and open the warehouse."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import shutil

import click

from warehouse import embedded
from warehouse.connection import (
    connection_parameters,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
    require_database,
)
from warehouse.errors import ServerUnreachable
from warehouse.schema import drop_everything
from warehouse.server_paths import installed_binaries
from warehouse.status import print_status
from waybill.cli import run

LIBPQ = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
    "PGSSLMODE": "sslmode",
}


@click.group(help="Example: python -m warehouse up\n\nStart, stop, look at and open the warehouse.")
def warehouse() -> None:
    """Hold the warehouse's commands."""


@warehouse.command()
def up() -> None:
    """Start the embedded server (or check yours), make logins and tables."""
    connection_parameters("owner")
    found = current_warehouse()
    click.echo(f"warehouse up: {found.description}, database {found.settings.pgdatabase}")


@warehouse.command()
def down() -> None:
    """Stop the embedded server; the data stays."""
    found = current_warehouse()
    if found.place is None:
        click.echo(f"nothing to stop: {found.description} is yours")
    elif embedded.stop(found.place):
        click.echo(f"stopped: {found.description}")
    else:
        click.echo(f"not running: {found.description}")


@warehouse.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(yes: bool) -> None:
    """Stop the embedded server and delete its data; a server of yours is left alone."""
    found = current_warehouse()
    if found.place is None:
        click.echo(f"nothing to remove: {found.description} is yours")
        return
    if not yes:
        click.confirm(f"Delete the {found.description}?", abort=True)
    embedded.remove(found.place)
    click.echo(f"removed: {found.description}")


@warehouse.command()
def status() -> None:
    """Say where the warehouse is, what is in it and how to open it."""
    print_status(current_warehouse())


@warehouse.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql as the read-only login; psql's own arguments go through; the embedded one's owner is `-U waybill`."""
    found = current_warehouse()
    require_database(found)
    parameters = connection_parameters("reader")
    own = found.place.binaries / "psql" if found.place else shutil.which("psql")
    program = str(own or installed_binaries() / "psql")
    chosen = {name: parameters[keyword] for name, keyword in LIBPQ.items() if keyword in parameters}
    os.execve(program, [program, *arguments], {**os.environ, **chosen})  # noqa: S606


@warehouse.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Drop all of Waybill's tables from the database and make them anew, empty."""
    found = current_warehouse()
    name = found.settings.pgdatabase
    if not yes:
        click.confirm(f"Drop all of Waybill's tables in {found.description}, database {name}?", abort=True)
    if found.place:
        embedded.start(found.place)
    try:
        connection = open_connection(login_parameters(found, "owner"))
    except ServerUnreachable:
        if not found.place:
            raise
    else:
        drop_everything(connection)
        connection.close()
    forget()
    connection_parameters("owner")
    click.echo(f"reset: database {name} is empty")


if __name__ == "__main__":
    run(warehouse, "python -m warehouse")
