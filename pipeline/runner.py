"""Runs the stages in order in one process, reports the resources of each, and stops at the first that fails."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import click

from expectations.errors import GateFailed
from pipeline.conso import try_record_use
from pipeline.consumption.history import Work
from pipeline.consumption.meter import Meter
from pipeline.dbt.sources_yml import require_current
from pipeline.errors import DbtFailed
from pipeline.idle import work_unless_idle
from pipeline.run_record import remember
from pipeline.stages import WORK, Stage, StageResult, as_record, gate_path, read_stages
from warehouse.connection import engine
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run, working
from waybill.cli import OWN_DATABASE, shown_command
from waybill.errors import WaybillError
from waybill.settings import get_settings, relative_name
from waybill.text import console, shown


def run_all() -> None:
    """Run all stages, then print the accounting and where to look next.

    Raises:
        WaybillError: from the first stage that failed. Everything downstream keeps its last good state.
    """
    started = time.monotonic()
    require_current()
    with only_run(), recorded_run("pipeline") as run_id:
        for stage in read_stages():
            run_stage(stage.name, work=partial(work_unless_idle, stage.name), run_id=run_id)
    print_books()
    print_use(run_id)
    settings = get_settings()
    click.echo(f"done in {time.monotonic() - started:.0f} s")
    click.echo(f"report: {relative_name(settings.reports_folder / 'index.html')}")
    click.echo(f"psql:   {shown_command('psql')}")
    click.echo("stop:   make down")


def run_some(names: Sequence[str]) -> None:
    """Run the named stages in the order given; like a whole run, they hold the lock for runs.

    Raises:
        RunInProgress: another run or stage is running on this database.
        WaybillError: from the first stage that failed.
    """
    with only_run(), working(f"stage {' '.join(names)}"):
        for name in names:
            run_stage(name)


def run_stage(name: str, *, work: Callable[[], StageResult] | None = None, run_id: UUID | None = None) -> StageResult:
    """Run one stage, or `work` instead of it; print its name, time and rows, and remember them for the report.

    The ledger records the resources that the stage used. A figure that is a fifth above its usual value is printed.

    Raises:
        WaybillError: the stage's own error, with the stage's name before it and what to look at after it.
    """
    stages = read_stages()
    stage = next(entry for entry in stages if entry.name == name)
    order = [entry.name for entry in stages]
    started_at, meter = datetime.now(UTC), Meter()
    try:
        with meter, _spinner(stage):
            outcome = (work or WORK[name])()
    except BaseException as error:
        with suppress(OSError):  # the full disk may be this one
            remember(as_record(stage, meter.use.wall_seconds, None, "failed"), order)
        try_record_use(Work("stage", name, started_at, 0, "failed", run_id), meter.use)
        if isinstance(error, WaybillError):
            raise type(error)(_stop_message(stage, error)) from error
        if isinstance(error, OSError):
            error.filename = error.filename or name
        raise
    seconds = meter.use.wall_seconds
    remember(as_record(stage, seconds, outcome, "succeeded"), order)
    rows = f"{outcome.rows:>11,} {'row ' if outcome.rows == 1 else 'rows'}"
    click.echo(_fold(f"{stage.name:<12} {seconds:>6.1f} s {rows}   ", outcome.summary))
    for line in try_record_use(Work("stage", name, started_at, outcome.rows, "succeeded", run_id), meter.use):
        click.echo(shown(line))
    return outcome


def _spinner(stage: Stage) -> AbstractContextManager[object]:
    """Show that a stage is working, unless it shows its own progress."""
    return nullcontext() if stage.shows_progress else console(stderr=True).status(f"{stage.name}: {stage.does}")


def _fold(start: str, summary: str) -> str:
    """Return one line. On a narrow terminal the summary continues in the lines below, under its own beginning."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    folded = textwrap.wrap(summary, max(width - len(start), 20), break_long_words=False) if width else [summary]
    return start + f"\n{' ' * len(start)}".join(folded)


def _stop_message(stage: Stage, error: WaybillError) -> str:
    """Return the error's line; if the gate itself failed, with the page or file to look at."""
    path = gate_path(stage) if isinstance(error, GateFailed | DbtFailed) else None
    look = f"; look at {path}" if path else ""
    if path and os.environ.get(OWN_DATABASE):  # demo or stream
        look += f", and at its tables with `{shown_command('psql')}`"
    return f"{stage.name} stopped the run: {error}{look}"


def print_use(run_id: UUID) -> None:
    """Print in one line the resources that a run used."""
    from sqlalchemy.orm import Session

    from pipeline.consumption.display import sum_up
    from pipeline.consumption.history import stages_of_run

    with Session(engine("reader")) as session:
        stages = stages_of_run(session, run_id)
        if stages:
            click.echo(sum_up(stages))


def print_books() -> None:
    """Print the accounting: what became of every document, which values the marts replace, which fields they lack."""
    from pipeline.accounting import accounting, print_accounting
    from pipeline.adoption import describe, list_fields_not_adopted
    from pipeline.corrections import list_corrections, sum_up

    with engine("reader").connect() as connection:
        print_accounting(accounting(connection))
        if corrections := list_corrections(connection):
            click.echo(sum_up(corrections))
        if fields := list_fields_not_adopted(connection):
            click.echo(describe(fields))
