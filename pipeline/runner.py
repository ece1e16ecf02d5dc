"""Runs stages in order in one process and reports the resources of each. What waits for a failed one does not run."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from uuid import UUID

import click

from pipeline.alerts.after_run import alerts_afterwards
from pipeline.beside import Beside
from pipeline.dbt.sources_yml import require_current
from pipeline.stage_list import Stage, read_stages, waiting_for
from pipeline.stage_run import StageDone, print_done, run_stage
from pipeline.stages import BY_ITSELF, StageResult
from warehouse.connection import engine
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run, run_beside
from waybill.cli import shown_command
from waybill.errors import WaybillError
from waybill.observing.work import observed_run
from waybill.settings import get_settings, relative_name
from waybill.text import folded, shown

logger = logging.getLogger(__name__)

MIN_ROWS_BESIDE = 100_000  # of a stage before; the work of fewer is done before another process has begun
MIN_CORES_BESIDE = 3  # training and PostgreSQL use two: another process would only slow them down

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

    After stages with many rows, those that wait for nothing else run beside the next ones, in other processes.

    Ctrl-C stops all.

    Raises:
        Exception: the first stage's that failed. The errors of others are printed.
    """
    with Beside(run_id) as beside:
        _Order(names, work or {}, run_id, beside).run()


class _Order:
    """The stages of a run, and what became of those that have ended."""

    def __init__(self, names: Sequence[str], work: StageWork, run_id: UUID | None, beside: Beside) -> None:
        self._stages, self._names, self._work = read_stages(), names, work
        self._run_id, self._beside = run_id, beside
        self._rows: dict[str, int] = {}  # of the stages that succeeded
        self._failures: dict[str, Exception] = {}

    def run(self) -> None:
        left_out = []
        for number, name in enumerate(self._names):
            if name in self._beside.names:
                continue
            self._note_ended(waits=name in waiting_for(self._stages, self._beside.names))
            if name in waiting_for(self._stages, self._failures):
                left_out.append(name)
                continue
            self._beside.start(self._find_beside(name, self._names[number + 1 :]))
            self._note(name, partial(run_stage, name, work=self._work.get(name), run_id=self._run_id))
        self._note_ended(waits=True)
        if left_out:
            click.echo(f"not run: {', '.join(left_out)}")
        if self._failures:
            raise next(iter(self._failures.values()))

    def _find_beside(self, name: str, later: Sequence[str]) -> list[str]:
        """Return the later stages that can run beside this one, and are worth a process."""
        if name in {stage.name for stage in self._stages if stage.alone} or (os.cpu_count() or 1) < MIN_CORES_BESIDE:
            return []
        free = [stage for stage in self._stages if not stage.alone and stage.name not in self._work]
        can_run = {stage.name for stage in free if max(self._rows_before(stage), default=0) >= MIN_ROWS_BESIDE}
        return [one for one in dict.fromkeys(later) if one in can_run - self._beside.names - {name}]

    def _rows_before(self, stage: Stage) -> list[int]:
        """Return the rows of each stage that another waits for; none as long as it has to wait."""
        return [self._rows[name] for name in stage.after] if self._rows.keys() >= set(stage.after) else []

    def _note_ended(self, *, waits: bool) -> None:
        for name, stage in self._beside.ended(waits=waits):
            self._note(name, partial(_print_result, stage))

    def _note(self, name: str, stage: Callable[[], StageResult]) -> None:
        """Run a stage and note what became of it."""
        try:
            self._rows[name] = stage().rows
        except Exception as error:
            if self._failures:  # the first one is raised at the end
                _show_error(name, error)
            self._failures[name] = error
            without = waiting_for(self._stages, self._failures) | self._failures.keys() | self._rows.keys()
            if others := [other for other in self._names if other not in without]:
                click.echo(f"{name:<12} failed; {', '.join(others)} can run without it")


def _print_result(stage: Future[StageDone]) -> StageResult:
    done = stage.result()
    print_done(done)
    return done.result


def _show_error(name: str, error: Exception) -> None:
    if isinstance(error, WaybillError):
        click.echo(f"error: {shown(str(error))}", err=True)
    else:
        logger.error("stage failed stage=%s", name, exc_info=error)


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
