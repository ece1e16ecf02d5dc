"""`python -m pipeline.airflow`: start and stop Airflow, and run Airflow's own commands on it."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import subprocess

import click

from pipeline.airflow.configuration import airflow_variables
from pipeline.airflow.paths import USER, find_airflow, program, set_password
from pipeline.airflow.process import find_running_airflow, run_components, start, stop
from waybill.background_processes import LOOPBACK
from waybill.cli import run, shown_command
from waybill.settings import get_settings, relative_name

DAG = "waybill"


@click.group(
    help="Example: python -m pipeline.airflow up\n\nAirflow, which runs the stages on a schedule, on this machine only."
)
def airflow() -> None:
    """Group the commands."""


@airflow.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal, or in a container, until Ctrl-C.")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address that a container's Airflow listens on.")
def up(foreground: bool, host: str) -> None:
    """Start Airflow, and print the address and, at the first start, the password.

    The DAG is paused until you switch it on.
    """
    if host != LOOPBACK and not foreground:
        raise click.UsageError("--host is for containers: use it with --foreground")
    settings = get_settings()
    paths = find_airflow(settings)
    program(paths)
    found = find_running_airflow(paths)
    if foreground:
        set_password(paths, settings)
        run_components(paths, airflow_variables(paths, settings, host=host))
    password = set_password(paths, settings)
    if found and found.details["port"] != settings.waybill_airflow_port:
        stop(paths)
        found = None
    found = found or start(paths, settings.waybill_airflow_port)
    click.echo(f"Airflow: http://{LOOPBACK}:{found.details['port']}")
    shown = f"{password} (shown once)" if password else f"in {relative_name(paths.passwords)}"
    click.echo(f"user:    {USER}, password {shown}")
    click.echo(f"switch the DAG on: {shown_command(f'airflow cli dags unpause {DAG}')}")
    click.echo("stop:    make airflow-stop")


@airflow.command()
def down() -> None:
    """Stop Airflow. Its runs and logs stay."""
    click.echo("stopped: Airflow" if stop(find_airflow(get_settings())) else "not running: Airflow")


@airflow.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def cli(arguments: tuple[str, ...]) -> int:
    """Run a command of Airflow's own, such as `dags list`, on this project's Airflow."""
    settings = get_settings()
    paths = find_airflow(settings)
    command = [str(program(paths)), *arguments]
    return subprocess.run(command, env=airflow_variables(paths, settings), check=False).returncode


if __name__ == "__main__":
    run(airflow, "python -m pipeline.airflow")
