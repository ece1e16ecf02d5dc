"""Runs the stages in order in one process, shows what each took, and stops the line at the first that fails."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from uuid import UUID

import click
from psycopg2.extensions import connection as Connection
from rich.console import Console

from pipeline.conso import keep_quietly
from pipeline.consumption.history import Work
from pipeline.consumption.meter import Meter
from pipeline.errors import RunRefused
from pipeline.run_record import remember
from pipeline.stages import WORK, Outcome, Stage, as_record, read_stages
from warehouse.connection import connect, engine
from warehouse.runs import recorded_run
from warehouse.status import PSQL
from waybill.errors import WaybillError
from waybill.settings import get_settings, relative_name

ONE_RUN_AT_A_TIME = 0x57415952  # the advisory lock that a run holds


def run_all() -> None:
    """Run all stages, then show the books and where to go on.

    Raises:
        WaybillError: of the first stage that failed; what comes after it stays as the last good run left it.
    """
    started = time.monotonic()
    with only_run(), recorded_run("pipeline") as run_id:
        for stage in read_stages():
            run_stage(stage.name, run_id=run_id)
    show_books()
    show_use(run_id)
    settings = get_settings()
    click.echo(f"done in {time.monotonic() - started:.0f} s")
    click.echo(f"report: {relative_name(settings.reports_folder / 'index.html')}")
    click.echo(PSQL)
    click.echo("stop:   make down")


def run_stage(name: str, *, work: Callable[[], Outcome] | None = None, run_id: UUID | None = None) -> Outcome:
    """Run one stage, or other work in its place, show its name, time and rows, and remember them for the report.

    What it took of the machine is kept in the ledger, and said when it is a fifth more than it used to be.

    Raises:
        WaybillError: what the stage says, with its name and what to look at before it.
    """
    stages = read_stages()
    stage = next(entry for entry in stages if entry.name == name)
    order = [entry.name for entry in stages]
    started_at, meter = datetime.now(UTC), Meter()
    try:
        with meter, _spinner(stage):
            outcome = (work or WORK[name])()
    except BaseException as error:
        with suppress(OSError):  # the disk that is full may be this one
            remember(as_record(stage, meter.use.wall_seconds, None, "failed"), order)
        keep_quietly(Work("stage", name, started_at, 0, "failed", run_id), meter.use)
        if isinstance(error, WaybillError):
            raise type(error)(_stopped(stage, error)) from error
        if isinstance(error, OSError):
            error.filename = error.filename or name
        raise
    seconds = meter.use.wall_seconds
    remember(as_record(stage, seconds, outcome, "succeeded"), order)
    click.echo(_line(f"{stage.name:<12} {seconds:>6.1f} s {outcome.rows:>11,} rows   ", outcome.summary))
    for line in keep_quietly(Work("stage", name, started_at, outcome.rows, "succeeded", run_id), meter.use):
        click.echo(line)
    return outcome


def _spinner(stage: Stage) -> AbstractContextManager[object]:
    """Show that a stage is at work; one that shows its own progress needs none beside it."""
    return nullcontext() if stage.shows_progress else Console(stderr=True).status(f"{stage.name}: {stage.does}")


def _line(start: str, summary: str) -> str:
    """Return one line; on a narrow terminal, the summary is folded under its own beginning."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    folded = textwrap.wrap(summary, max(width - len(start), 20), break_long_words=False) if width else [summary]
    return start + f"\n{' ' * len(start)}".join(folded)


def _stopped(stage: Stage, error: WaybillError) -> str:
    look = f"; look at {stage.gate}" if stage.gate else ""
    return f"{stage.name} stopped the line: {error}{look}"


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the database's lock for runs, so that two at once do not mix; it goes when the process does."""
    connection = connect("loader")
    try:
        claim_run(connection)
        yield
    finally:
        connection.close()


def claim_run(connection: Connection) -> None:
    """Take the database's lock for runs until the connection is closed.

    Raises:
        RunRefused: another run holds it.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [ONE_RUN_AT_A_TIME])
        if not cursor.fetchone()[0]:  # type: ignore[index]
            raise RunRefused("another pipeline run is at work on this database: wait for its end, then run again")


def show_use(run_id: UUID) -> None:
    """Print in one line what a run took of the machine."""
    from sqlalchemy.orm import Session

    from pipeline.consumption.history import of_run
    from pipeline.consumption.words import sum_up

    with Session(engine("reader")) as session:
        stages = of_run(session, run_id)
        if stages:
            click.echo(sum_up(stages))


def show_books() -> None:
    """Print where every document went."""
    from pipeline.accounting import accounting, print_accounting

    with engine("reader").connect() as connection:
        print_accounting(accounting(connection))
