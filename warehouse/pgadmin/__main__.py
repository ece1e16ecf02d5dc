"""`python -m warehouse.pgadmin`: pgAdmin on the warehouse, up and down."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import get_args

import click

from warehouse.connection import connection_parameters, current_warehouse
from warehouse.logins import Role
from warehouse.pgadmin.paths import find_admin, write_configuration, write_servers
from warehouse.pgadmin.process import address, running, start, stop
from warehouse.server_paths import installed_binaries
from waybill.cli import run
from waybill.settings import get_settings


@click.group(help="Example: python -m warehouse.pgadmin up\n\npgAdmin on the warehouse, on this machine alone.")
def pgadmin() -> None:
    """Hold the commands."""


@pgadmin.command()
@click.option(
    "--role", type=click.Choice(get_args(Role)), default="reader", show_default=True, help="The login it works as."
)
def up(role: Role) -> None:
    """Start pgAdmin, with the warehouse registered in it, and say what to open."""
    settings = get_settings()
    place = find_admin(settings)
    is_other = write_servers(place, connection_parameters(role), role)
    found = running(place)
    if found and (is_other or found.details["port"] != settings.waybill_pgadmin_port):
        stop(place)
        found = None
    if found is None:
        write_configuration(place, settings.waybill_pgadmin_port, installed_binaries())
        found = start(place, settings.waybill_pgadmin_port, import_servers=is_other)
    click.echo(f"pgAdmin on {current_warehouse().description}, as {role}; the key lets in whoever has it:")
    click.echo(address(found))


@pgadmin.command()
def down() -> None:
    """Stop pgAdmin; what it remembers stays."""
    click.echo("stopped: pgAdmin" if stop(find_admin(get_settings())) else "not running: pgAdmin")


if __name__ == "__main__":
    run(pgadmin, "python -m warehouse.pgadmin")
