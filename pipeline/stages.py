"""The work of each stage in `stages.yml`. Each function imports its own libraries, so that a stage loads no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.dbt_login import target_folder
from waybill.settings import get_settings, relative_name


@dataclass(frozen=True)
class Stage:
    """One step of a run: what it does, what exists after it, and what to look at when it stops the run."""

    name: str
    does: str
    makes: str | None = None
    gate: str | None = None
    shows_progress: bool = False


@dataclass(frozen=True)
class StageResult:
    """What a stage did: how many rows it worked on (0 if there was nothing to do) and a summary in one line."""

    rows: int
    summary: str


def read_stages() -> list[Stage]:
    """Return the stages in order."""
    return [
        Stage(**entry) for entry in yaml.safe_load(Path(__file__).with_name("stages.yml").read_text(encoding="utf-8"))
    ]


def gate_path(stage: Stage) -> str | None:
    """Return the path of what to look at when a stage stops the run, in the folders of the current run."""
    if stage.gate is None:
        return None
    reports = relative_name(get_settings().reports_folder)
    return stage.gate.format(reports=reports, dbt_target=relative_name(os.path.normpath(target_folder())))


def _load() -> StageResult:
    from loader.load import load

    result = load()
    if result.refusal:
        raise result.refusal
    return StageResult(result.rows, result.summary)


def _check(name: str) -> Callable[[], StageResult]:
    def check() -> StageResult:
        from expectations.checkpoints import run_checkpoint

        outcome = run_checkpoint(name, only_if_changed=True)
        return StageResult(0 if outcome.is_unchanged else outcome.rows, outcome.summary)

    return check


def _dbt() -> StageResult:
    from pipeline.dbt.build import build_and_check_freshness

    return StageResult(*build_and_check_freshness())


def _docs() -> StageResult:
    from pipeline.dbt.build import write_docs

    return StageResult(*write_docs(get_settings().reports_folder / "dbt_docs.html"))


def _train() -> StageResult:
    from ml.task import chosen_task
    from ml.train import train

    trained = train(chosen_task())
    return StageResult(trained.rows, trained.summary)


def _score() -> StageResult:
    from ml.score import score
    from ml.task import chosen_task

    scored = score(chosen_task())
    return StageResult(scored.rows, scored.summary)


def _export() -> StageResult:
    from pipeline.export.export import export

    exported = export()
    return StageResult(exported.rows_written, exported.summary)


def _report() -> StageResult:
    from pipeline.report.page import write_report

    written = write_report()
    return StageResult(written.rows, written.summary)


WORK: dict[str, Callable[[], StageResult]] = {
    "load": _load,
    "check-raw": _check("raw"),
    "dbt": _dbt,
    "check-marts": _check("marts"),
    "train": _train,
    "score": _score,
    "export": _export,
    "docs": _docs,
    "report": _report,
}


def as_record(stage: Stage, seconds: float, outcome: StageResult | None, end: str) -> dict[str, Any]:
    """Return what the report remembers about a stage."""
    rows, summary = (outcome.rows, outcome.summary) if outcome else (0, "")
    return {"name": stage.name, "seconds": round(seconds, 2), "rows": rows, "summary": summary, "outcome": end}
