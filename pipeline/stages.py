"""The work of each stage in `stages.yml`. Each function imports its own libraries, so that a stage loads no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.stage_list import Stage
from warehouse.dbt_login import target_folder
from waybill.observing.work import observing
from waybill.settings import get_settings, relative_name

if TYPE_CHECKING:
    from loader.file_dates import Days


@dataclass(frozen=True)
class StageResult:
    """What a stage did: how many rows it worked on (0 if there was nothing to do) and a summary in one line."""

    rows: int
    summary: str


def gate_path(stage: Stage) -> str | None:
    """Return the path of what to look at when a stage stops the run, in the folders of the current run."""
    if stage.gate is None:
        return None
    reports = relative_name(get_settings().reports_folder)
    return stage.gate.format(reports=reports, dbt_target=relative_name(os.path.normpath(target_folder())))


def load_files(days: Days | None = None) -> StageResult:
    """Land the raw files; with `days`, only those whose names hold a date in the range, which may be none."""
    from loader.errors import NothingInRange
    from loader.load import load
    from loader.plan import Request

    try:
        result = load(Request(days=days))
    except NothingInRange as nothing:
        return StageResult(0, f"nothing to load: {nothing}")
    if result.refusal:
        raise result.refusal
    return StageResult(result.rows, result.summary)


def _check(name: str, *, only_if_changed: bool = True) -> StageResult:
    from expectations.checkpoints import run_checkpoint

    outcome = run_checkpoint(name, only_if_changed=only_if_changed)
    return StageResult(0 if outcome.is_unchanged else outcome.rows, outcome.summary)


def _dbt(*, only_if_changed: bool = True) -> StageResult:
    from ml.checking.staleness import recheck_outdated
    from pipeline.dbt.build import build_and_check_freshness, build_if_changed

    rows, summary = build_if_changed() if only_if_changed else build_and_check_freshness()
    return StageResult(rows, summary + recheck_outdated())


def _docs(*, only_if_changed: bool = True) -> StageResult:
    from pipeline.dbt.docs_page import write_docs_page

    return StageResult(*write_docs_page(only_if_changed=only_if_changed))


def _train() -> StageResult:
    from ml.each_task import work_on_tasks
    from ml.train import train

    trained = work_on_tasks(None, observing("train", train))
    return StageResult(trained.rows, trained.summary)


def _score() -> StageResult:
    from ml.each_task import work_on_tasks
    from ml.score import score

    scored = work_on_tasks(None, observing("score", score))
    return StageResult(scored.rows, scored.summary)


def _export() -> StageResult:
    from pipeline.export.export import export

    exported = export()
    return StageResult(exported.rows_written, exported.summary)


def _report() -> StageResult:
    from pipeline.report.page import write_report

    written = write_report()
    return StageResult(written.rows, written.summary)


# In a run, a stage whose result would be the same says so instead of working.
WORK: dict[str, Callable[[], StageResult]] = {
    "load": load_files,
    "check-raw": partial(_check, "raw"),
    "dbt": _dbt,
    "check-marts": partial(_check, "marts"),
    "train": _train,
    "score": _score,
    "export": _export,
    "docs": _docs,
    "report": _report,
}
# These stages always work when they are run by themselves: somebody wants to see the result.
BY_ITSELF: dict[str, Callable[[], StageResult]] = {
    "check-raw": partial(_check, "raw", only_if_changed=False),
    "dbt": partial(_dbt, only_if_changed=False),
    "check-marts": partial(_check, "marts", only_if_changed=False),
    "docs": partial(_docs, only_if_changed=False),
}


def as_record(stage: Stage, seconds: float, outcome: StageResult | None, end: str) -> dict[str, Any]:
    """Return what the report remembers about a stage."""
    rows, summary = (outcome.rows, outcome.summary) if outcome else (0, "")
    return {"name": stage.name, "seconds": round(seconds, 2), "rows": rows, "summary": summary, "outcome": end}
