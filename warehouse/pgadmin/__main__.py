"""`python -m warehouse.pgadmin`: start and stop pgAdmin on the warehouse."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import get_args

import click

from warehouse.connection import connection_parameters, current_warehouse
from warehouse.logins import Role
from warehouse.pgadmin.paths import find_pgadmin, write_configuration, write_servers
from warehouse.pgadmin.process import address, find_running_pgadmin, start, stop
from warehouse.server_paths import installed_binaries
from waybill.cli import run
from waybill.settings import get_settings


@click.group(
    help="Example: python -m warehouse.pgadmin up\n\npgAdmin on the warehouse, reachable from this machine only."
)
def pgadmin() -> None:
    """Group the commands."""


@pgadmin.command()
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="reader",
    show_default=True,
    help="The role that pgAdmin logs in as.",
)
def up(role: Role) -> None:
    """Start pgAdmin with the warehouse registered, and print the address to open."""
    settings = get_settings()
    paths = find_pgadmin(settings)
    has_changed = write_servers(paths, connection_parameters(role), role)
    found = find_running_pgadmin(paths)
    if found and (has_changed or found.details["port"] != settings.waybill_pgadmin_port):
        stop(paths)
        found = None
    if found is None:
        write_configuration(paths, settings.waybill_pgadmin_port, installed_binaries())
        found = start(paths, settings.waybill_pgadmin_port, import_servers=has_changed)
    click.echo(f"pgAdmin on {current_warehouse().description}, as {role}; everyone who has the key can open it:")
    click.echo(address(found))


@pgadmin.command()
def down() -> None:
    """Stop pgAdmin. Its preferences and history stay."""
    click.echo("stopped: pgAdmin" if stop(find_pgadmin(get_settings())) else "not running: pgAdmin")


if __name__ == "__main__":
    run(pgadmin, "python -m warehouse.pgadmin")
