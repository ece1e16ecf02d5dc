"""`python -m pipeline.conso`: what the stages of the last run took, or what any command takes."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import logging
import shlex
import subprocess
from datetime import UTC, datetime

import click
from rich.console import Console
from sqlalchemy.orm import Session

from pipeline.consumption import words as conso_words
from pipeline.consumption.history import Work, keep, last_stages
from pipeline.consumption.meter import Meter, Use
from pipeline.errors import RunRefused
from warehouse import embedded
from warehouse.connection import current_warehouse, engine
from waybill.cli import run

logger = logging.getLogger(__name__)


def keep_quietly(work: Work, use: Use) -> list[str]:
    """Keep what some work took, and say what became dearer; a ledger that cannot be reached is no reason to fail."""
    try:
        return keep(work, use)
    except Exception as error:  # the work is done, or has told already why it is not
        level = logging.WARNING if work.outcome == "succeeded" else logging.INFO
        reason = str(error).partition("\n")[0]
        logger.log(level, "what it took is not in the ledger stage=%s reason=%s", work.name, reason)
        return []


def measure(command: tuple[str, ...], name: str | None) -> int:
    """Run a command, say what it took, keep it in the ledger where the warehouse is up; return its exit code.

    Raises:
        RunRefused: there is no such command.
    """
    started_at = datetime.now(UTC)
    with Meter() as meter:
        try:
            process = subprocess.Popen(command)
        except OSError as error:
            raise RunRefused(
                f"{command[0]} cannot be run: {error.strerror}; name a program and its arguments"
            ) from None
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:  # the command has been told, too
                continue
    for line in conso_words.lines(meter.use):
        click.echo(line, err=True)
    place = current_warehouse().place
    if place is not None and not embedded.answers(place):
        click.echo("not kept: the warehouse is down (start it: make up)", err=True)
        return code if code >= 0 else 128 - code
    work = Work("command", name or shlex.join(command), started_at, 0, "failed" if code else "succeeded")
    for line in keep_quietly(work, meter.use):
        click.echo(line, err=True)
    return code if code >= 0 else 128 - code


def show() -> None:
    """Show what the stages of the last run took."""
    with Session(engine("reader")) as session:
        stages = last_stages(session)
        if not stages:
            click.echo("no run is on record: type `make pipeline`, or name a command after --")
            return
        console = Console()
        console.print(conso_words.table(stages))
        for line in [conso_words.sum_up(stages), *conso_words.methods(stages)]:
            click.echo(line)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help="Example: python -m pipeline.conso -- make dbt\n\n"
    "Run COMMAND and say what it took, with all that it started and the servers: time, CPU, memory, disk, energy. "
    "Without a command, say what the stages of the last run took.",
)
@click.option("--name", help="Keep it under this name, not under the command itself.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def main(name: str | None, command: tuple[str, ...]) -> int:
    """Measure a command, or show the last run."""
    if command:
        return measure(command, name)
    show()
    return 0


if __name__ == "__main__":
    run(main, "python -m pipeline.conso")
