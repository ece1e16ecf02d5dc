"""The report's facts about the current model: figures, curves, and whether its training rows have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ml.artefact import current_manifest
from ml.task import chosen_task
from pipeline.report.line_pictures import Curve, draw_curves

FIGURES = ("roc_auc", "pr_auc", "brier", "ece", "precision", "recall")


@dataclass(frozen=True)
class Candidate:
    """One candidate's figures on the test rows, in the order of FIGURES; None where it has no such figure."""

    name: str
    is_chosen: bool
    figures: list[Any]


@dataclass(frozen=True)
class ModelFacts:
    """The current model; `is_stale` is None if it has made no predictions yet."""

    model_id: str
    task: str | None
    trained_at: str | None
    chosen: str | None
    learnt_from: int | None
    split: dict[str, str]
    candidates: list[Candidate]
    figures: dict[str, Any]
    curves: list[Curve]
    is_stale: bool | None


def gather_model(connection: Connection) -> ModelFacts | None:
    """Return the facts of the current model's manifest; None if no model was trained."""
    task = chosen_task()
    manifest = current_manifest(task)
    if manifest is None:
        return None
    figures = {name: value for name, value in manifest.get("metrics", {}).items() if isinstance(value, int | float)}
    chosen = manifest.get("chosen")
    candidates = [
        Candidate(name, name == chosen, [result["test"].get(figure) for figure in FIGURES])
        for name, result in manifest.get("candidates", {}).items()
    ]
    return ModelFacts(
        model_id=manifest["model_id"],
        task=manifest.get("task"),
        trained_at=manifest.get("trained_at"),
        chosen=chosen,
        learnt_from=manifest.get("rows", {}).get("learnt_from"),
        split=manifest.get("split", {}),
        candidates=candidates,
        figures=figures,
        curves=draw_curves(manifest.get("curves", {}), float(figures.get("base_rate", 0))),
        is_stale=_is_stale(connection, task, manifest["model_id"]),
    )


def _is_stale(connection: Connection, task: str, model_id: str) -> bool | None:
    table = f"predictions.{connection.dialect.identifier_preparer.quote(task)}"
    if connection.scalar(text("select to_regclass(:table)"), {"table": table}) is None:
        return None
    statement = text(f"select is_stale from {table} where model_id::text = :model limit 1")
    found: bool | None = connection.scalar(statement, {"model": model_id})
    return found
