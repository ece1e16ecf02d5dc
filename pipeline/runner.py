"""Runs stages in order in one process and reports the resources of each. What waits for a failed one does not run."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from uuid import UUID

import click

from expectations.errors import GateFailed
from pipeline.alerts.after_run import alerts_afterwards
from pipeline.conso import try_record_use
from pipeline.consumption.history import Work
from pipeline.consumption.meter import Meter
from pipeline.dbt.sources_yml import require_current
from pipeline.errors import DbtFailed
from pipeline.run_record import remember
from pipeline.stage_list import Stage, read_stages, waiting_for
from pipeline.stages import BY_ITSELF, WORK, StageResult, as_record, gate_path
from warehouse.connection import engine
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run, run_beside
from waybill.cli import OWN_DATABASE, shown_command
from waybill.errors import WaybillError
from waybill.observing.work import observed, observed_run
from waybill.settings import get_settings, relative_name
from waybill.text import console, folded, shown

logger = logging.getLogger(__name__)

StageWork = Mapping[str, Callable[[], StageResult]]  # stage → what it does


def run_all(*, work: StageWork | None = None, waits: bool = False) -> None:
    """Run all stages, then print the accounting and where to look next.

    `work` replaces what stages do, by their names. With `waits`, wait for the end of another run.

    Raises:
        RunInProgress: another run or stage is running on this database.
        WaybillError: from the first stage that failed. Everything downstream keeps its last good state.
    """
    started = time.monotonic()
    with (
        alerts_afterwards(),
        only_run("run", waits=waits),
        recorded_run("pipeline") as run_id,
        observed_run("pipeline", run_id),
    ):
        require_current()
        run_in_order([stage.name for stage in read_stages()], work=work, run_id=run_id)
    print_books()
    print_use(run_id)
    settings = get_settings()
    click.echo(f"done in {time.monotonic() - started:.0f} s")
    click.echo(f"report: {relative_name(settings.reports_folder / 'index.html')}")
    click.echo(f"psql:   {shown_command('psql')}")
    click.echo("stop:   make down")


def run_some(names: Sequence[str], *, work: StageWork | None = None, waits: bool = False) -> None:
    """Run the named stages in the order given, with the lock for runs: alone if one of them writes raw tables or marts.

    Other stages can run at the same time in several processes, each stage in one. The stages of `BY_ITSELF` work even
    if nothing has changed since they last did.

    Raises:
        RunInProgress: a run, or one of the stages, is running on this database.
        WaybillError: from the first stage that failed.
    """
    command = f"run {' '.join(names)}"
    is_alone = any(stage.alone for stage in read_stages() if stage.name in names)
    lock = only_run(command, waits=waits) if is_alone else run_beside(command, names, waits=waits)
    is_end = read_stages()[-1].name in names  # a scheduler runs one stage after the other
    with alerts_afterwards(only_after_failure=not is_end), lock, recorded_run(f"stage {' '.join(names)}") as run_id:
        run_in_order(names, work={**BY_ITSELF, **(work or {})}, run_id=run_id)


def run_in_order(names: Sequence[str], *, work: StageWork | None = None, run_id: UUID | None = None) -> None:
    """Run stages in this order. If one fails, those that wait for it do not run, and all others do.

    Ctrl-C stops all.

    Raises:
        Exception: the first stage's that failed. The errors of others are printed.
    """
    stages, failures, left_out = read_stages(), dict[str, Exception](), list[str]()
    for number, name in enumerate(names):
        if name in waiting_for(stages, failures):
            left_out.append(name)
            continue
        try:
            run_stage(name, work=(work or {}).get(name), run_id=run_id)
        except Exception as error:
            if failures:  # the first one is raised below
                _show_error(name, error)
            failures[name] = error
            if others := [other for other in names[number + 1 :] if other not in waiting_for(stages, failures)]:
                click.echo(f"{name:<12} failed; {', '.join(others)} can run without it")
    if left_out:
        click.echo(f"not run: {', '.join(left_out)}")
    if failures:
        raise next(iter(failures.values()))


def _show_error(name: str, error: Exception) -> None:
    if isinstance(error, WaybillError):
        click.echo(f"error: {shown(str(error))}", err=True)
    else:
        logger.error("stage failed stage=%s", name, exc_info=error)


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
        with meter, _spinner(stage), observed("stage", name):
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
    """Print the accounting: what became of every document, which values the marts replace, what does not fit."""
    from pipeline.accounting import accounting, print_accounting
    from pipeline.adoption.fields import describe, list_fields_not_adopted
    from pipeline.adoption.misfits import describe_misfits
    from pipeline.corrections import list_corrections, sum_up

    with engine("reader").connect() as connection:
        print_accounting(accounting(connection))
        if corrections := list_corrections(connection):
            click.echo(sum_up(corrections))
        if fields := list_fields_not_adopted(connection):
            click.echo("\n".join(map(folded, describe(fields).splitlines())))
        for line in describe_misfits(connection):
            click.echo(folded(line))
