"""What each stage of `stages.yml` does; imports are inside, so that a stage pays for its own libraries only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from waybill.settings import get_settings


@dataclass(frozen=True)
class Stage:
    """One step of a run: what stands there after it, and what to look at when it stops the line."""

    name: str
    does: str
    makes: str | None = None
    gate: str | None = None
    shows_progress: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a stage did: how many rows it worked on, none where it found nothing to do, and one line for a person."""

    rows: int
    summary: str


def read_stages() -> list[Stage]:
    """Return the stages in their order."""
    return [Stage(**entry) for entry in yaml.safe_load(Path(__file__).with_name("stages.yml").read_text())]


def _load() -> Outcome:
    from loader.load import load

    result = load()
    return Outcome(result.rows, result.summary)


def _check(name: str) -> Callable[[], Outcome]:
    def check() -> Outcome:
        from expectations.checkpoints import run_checkpoint

        outcome = run_checkpoint(name, only_if_changed=True)
        return Outcome(0 if outcome.is_unchanged else outcome.rows, outcome.summary)

    return check


def _dbt() -> Outcome:
    from pipeline.dbt.build import build

    return Outcome(*build())


def _docs() -> Outcome:
    from pipeline.dbt.build import write_docs

    return Outcome(*write_docs(get_settings().reports_folder / "dbt_docs.html"))


def _train() -> Outcome:
    from ml.train import train

    trained = train(get_settings().waybill_task)
    return Outcome(trained.rows, trained.summary)


def _score() -> Outcome:
    from ml.score import score

    scored = score(get_settings().waybill_task)
    return Outcome(scored.rows, scored.summary)


def _export() -> Outcome:
    from pipeline.export.export import export

    exported = export()
    return Outcome(exported.rows_written, exported.summary)


def _report() -> Outcome:
    from pipeline.report.page import write_report

    written = write_report()
    return Outcome(written.rows, written.summary)


WORK: dict[str, Callable[[], Outcome]] = {
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


def as_record(stage: Stage, seconds: float, outcome: Outcome | None, end: str) -> dict[str, Any]:
    """Return what is remembered of a stage for the report."""
    rows, summary = (outcome.rows, outcome.summary) if outcome else (0, "")
    return {"name": stage.name, "seconds": round(seconds, 2), "rows": rows, "summary": summary, "outcome": end}
