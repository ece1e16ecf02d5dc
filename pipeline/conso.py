"""`python -m pipeline.conso`: shows the resources that the stages of the last run used, or that any command uses."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import logging
import os
import shlex
import subprocess
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session

from pipeline.consumption import display
from pipeline.consumption.history import Work, record_use, stages_of_last_run
from pipeline.consumption.meter import Meter, Use
from pipeline.errors import RunRefused
from warehouse import embedded
from warehouse.connection import current_warehouse, engine
from waybill.cli import run, shown_command
from waybill.settings import PROJECT
from waybill.text import console

logger = logging.getLogger(__name__)


def try_record_use(work: Work, use: Use) -> list[str]:
    """Record in the ledger what some work used; return a line for each use that is well above the usual one.

    An unreachable ledger is logged and does not fail the work.
    """
    try:
        return record_use(work, use)
    except Exception as error:  # the work has succeeded, or has reported its own error
        level = logging.WARNING if work.outcome == "succeeded" else logging.INFO
        reason = str(error).partition("\n")[0]
        logger.log(level, "resource use was not recorded in the ledger stage=%s reason=%s", work.name, reason)
        return []


def measure(command: tuple[str, ...], name: str | None) -> int:
    """Run a command, print what it used, record it if the warehouse is running; return the command's exit code.

    Raises:
        RunRefused: the command cannot be started.
    """
    started_at = datetime.now(UTC)
    with Meter() as meter:
        code = _run_to_the_end(command)
    for line in display.use_lines(meter.use):
        click.echo(line, err=True)
    server = current_warehouse().server
    if server is not None and not embedded.accepts_connections(server):
        click.echo(f"not recorded: the warehouse is not running (start it: {shown_command('up')})", err=True)
        return code if code >= 0 else 128 - code
    work = Work("command", name or shlex.join(command), started_at, 0, "failed" if code else "succeeded")
    for line in try_record_use(work, meter.use):
        click.echo(line, err=True)
    return code if code >= 0 else 128 - code


def _run_to_the_end(command: tuple[str, ...]) -> int:
    """Run a command and return its exit code. Ctrl-C reaches the command itself, so its end is awaited."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" or not _is_ours(value)}
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise RunRefused(f"{command[0]} cannot be run: {error.strerror}; name a program and its arguments") from None
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _is_ours(python_path: str) -> bool:
    """Return True for the PYTHONPATH of `waybill` itself: a measured command must not import from this checkout."""
    return os.path.realpath(python_path) == os.fspath(PROJECT)


def show() -> None:
    """Print what the stages of the last run used."""
    with Session(engine("reader")) as session:
        stages = stages_of_last_run(session)
        if not stages:
            click.echo(f"no run is recorded: type `{shown_command('run')}`, or name a command after --")
            return
        console().print(display.stage_table(stages))
        for line in [display.sum_up(stages), *display.methods(stages)]:
            click.echo(line)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help="Example: python -m pipeline.conso -- make dbt\n\n"
    "Run COMMAND and print what it used, including its child processes, PostgreSQL and the broker: time, CPU, memory, "
    "disk, energy. Without a command, print what the stages of the last run used.",
)
@click.option("--name", help="The name to record it under. By default, the command itself.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def main(name: str | None, command: tuple[str, ...]) -> int:
    """Measure a command, or show the last run."""
    if command:
        return measure(command, name)
    show()
    return 0


if __name__ == "__main__":
    run(main, "python -m pipeline.conso")
