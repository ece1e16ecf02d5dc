"""Runs one stage: measures it, remembers it for the report and the ledger, and prints a line about it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import click

from expectations.errors import GateFailed
from pipeline.conso import try_record_use
from pipeline.consumption.history import Work
from pipeline.consumption.meter import Meter
from pipeline.errors import DbtFailed
from pipeline.run_record import remember
from pipeline.stage_list import Stage, find_stage, read_stages
from pipeline.stages import WORK, StageResult, as_record, gate_path
from waybill.cli import OWN_DATABASE, shown_command
from waybill.errors import WaybillError
from waybill.observing.work import observed
from waybill.text import console, shown


@dataclass(frozen=True)
class StageDone:
    """What a stage did, and the lines that say so."""

    result: StageResult
    lines: list[str]


def run_stage(name: str, *, work: Callable[[], StageResult] | None = None, run_id: UUID | None = None) -> StageResult:
    """Run one stage, or `work` instead of it; print its name, time and rows, and remember them for the report.

    The ledger records the resources that the stage used. A figure that is a fifth above its usual value is printed.

    Raises:
        WaybillError: the stage's own error, with the stage's name before it and what to look at after it.
    """
    stage = find_stage(name)

    def observed_work() -> StageResult:
        with _spinner(stage), observed("stage", name):
            return (work or WORK[name])()

    done = measured(stage, observed_work, meter=Meter(), run_id=run_id)
    print_done(done)
    return done.result


def print_done(done: StageDone) -> None:
    """Print the lines about a stage that has ended."""
    for line in done.lines:
        click.echo(line)


def measured(stage: Stage, work: Callable[[], StageResult], *, meter: Meter, run_id: UUID | None) -> StageDone:
    """Do the work of a stage and record it; print nothing.

    Raises:
        WaybillError: as `run_stage` raises it.
    """
    order = [entry.name for entry in read_stages()]
    started_at = datetime.now(UTC)
    try:
        with meter:
            outcome = work()
    except BaseException as error:
        with suppress(OSError):  # the full disk may be this one
            remember(as_record(stage, meter.use.wall_seconds, None, "failed"), order)
        try_record_use(Work("stage", stage.name, started_at, 0, "failed", run_id), meter.use)
        if isinstance(error, WaybillError):
            raise type(error)(_stop_message(stage, error)) from error
        if isinstance(error, OSError):
            error.filename = error.filename or stage.name
        raise
    seconds = meter.use.wall_seconds
    remember(as_record(stage, seconds, outcome, "succeeded"), order)
    rows = f"{outcome.rows:>11,} {'row ' if outcome.rows == 1 else 'rows'}"
    line = _fold(f"{stage.name:<12} {seconds:>6.1f} s {rows}   ", outcome.summary)
    more = try_record_use(Work("stage", stage.name, started_at, outcome.rows, "succeeded", run_id), meter.use)
    return StageDone(outcome, [line, *map(shown, more)])


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
