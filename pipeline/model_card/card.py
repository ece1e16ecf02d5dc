"""Gathers what the model card says of each task: from manifests, declarations, the registry and the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ml.errors import TaskBroken
from ml.learning.summary import kind_of
from ml.members import CATEGORY, NUMBER
from ml.registry.artefact import described_models
from ml.task import Task, read_task, task_names
from pipeline.model_card.candidates import compare_on, differences_on, metrics_of
from pipeline.model_card.drift import DriftFacts, read_drift, realised_table
from pipeline.model_card.figures import Figure, FigureTable, figure_of
from pipeline.model_card.limits import describe_limits
from pipeline.model_card.provenance import LearntBatch, describe_provenance, learnt_batches
from pipeline.model_card.registry import Registry, describe_registry
from pipeline.model_card.slices import importance_table, slice_tables, weak_spots
from pipeline.model_card.threshold import ThresholdFacts, describe_threshold
from pipeline.report.model import ModelFacts, model_facts

PARTS = ("validation", "test")


@dataclass(frozen=True)
class ModelCard:
    """Everything that the card says of one task's current model; texts are not escaped yet.

    `description` and `declared_limits` are the declaration's own words. `question` says what is predicted.
    """

    model: ModelFacts
    question: str
    description: str
    declared_limits: list[str]
    rows: list[tuple[str, int]]
    features: dict[str, list[str]]
    figures: list[tuple[str, Figure]]
    comparisons: list[tuple[str, FigureTable, FigureTable | None]]
    threshold: ThresholdFacts | None
    importance: FigureTable | None
    slices: list[FigureTable]
    weak: list[str]
    drift: DriftFacts | None
    realised: FigureTable | None
    registry: Registry
    provenance: list[tuple[str, str]]
    batches: list[LearntBatch]
    limits: list[str]


def gather_cards(connection: Connection) -> list[ModelCard]:
    """Return the card of each declared task that has a model, in the order of their names.

    A model that cannot be read has none: the report names it.
    """
    manifests, _ = described_models(task_names())
    return [make_card(connection, task, manifest) for task, manifest in manifests.items()]


def make_card(connection: Connection, task: str, manifest: dict[str, Any]) -> ModelCard:
    """Return the card of one model; what an older manifest does not have is empty."""
    declared = _declaration(task)
    tables = [(part, compare_on(manifest, part), differences_on(manifest, part)) for part in PARTS]
    return ModelCard(
        model=model_facts(task, manifest),
        question=_question(manifest, declared),
        description=declared.description if declared else "",
        declared_limits=declared.limits if declared else [],
        rows=_count_rows(manifest, declared.unlabelled if declared else ""),
        features=_features(manifest, declared),
        figures=[(title, figure_of(manifest.get("metrics", {}), name)) for name, title in metrics_of(manifest).items()],
        comparisons=[(part, table, differences) for part, table, differences in tables if table],
        threshold=describe_threshold(manifest),
        importance=importance_table(manifest),
        slices=slice_tables(manifest),
        weak=weak_spots(manifest),
        drift=read_drift(connection, task, manifest["model_id"]),
        realised=realised_table(connection, task, manifest["model_id"], kind_of(manifest)),
        registry=describe_registry(task, manifest),
        provenance=describe_provenance(manifest),
        batches=learnt_batches(manifest),
        limits=describe_limits({"task": task, **manifest}, declared.unlabelled if declared else ""),
    )


def _declaration(task: str) -> Task | None:
    """Return the task; None if its declaration cannot be read now, which training reports."""
    try:
        return read_task(task).task
    except TaskBroken:
        return None


def _question(manifest: dict[str, Any], declared: Task | None) -> str:
    of_what = f"each row of marts.{declared.table}" if declared else "each row"
    label = manifest.get("label") or (declared.label if declared else "the label")
    if kind_of(manifest) == "binary":
        positive = manifest.get("positive_label") or (declared.positive_label if declared else "positive")
        return f"Predicts for {of_what} the probability that it is {positive} (column {label})."
    return f"Predicts for {of_what} which of {len(manifest.get('classes', []))} classes it has (column {label})."


def _count_rows(manifest: dict[str, Any], unlabelled: str) -> list[tuple[str, int]]:
    """Return what kind of rows → how many, in the order in which they become fewer."""
    rows = manifest.get("rows", {})
    because = f": {unlabelled}" if unlabelled else ""
    time = manifest.get("split", {}).get("time_column", "time")
    names = {
        "all": "in the table",
        "unlabelled": f"without a label{because}",
        "without_time": f"labelled, but without a {time}",
        "train": "train: every candidate learns from them",
        "validation": "validation: selects the candidate and the threshold",
        "test": "test: measured, never learnt from",
    }
    return [(text, rows[name]) for name, text in names.items() if name in rows]


def _features(manifest: dict[str, Any], declared: Task | None) -> dict[str, list[str]]:
    """Return categories and numbers → names of the features that the model uses."""
    left_out = manifest.get("features_left_out", [])
    types = manifest.get("feature_types") or {
        name: CATEGORY if declared and name in declared.categorical else NUMBER for name in manifest.get("features", [])
    }
    kinds = {CATEGORY: "categories", NUMBER: "numbers"}
    return {
        shown: [name for name, one in types.items() if one == kind and name not in left_out]
        for kind, shown in kinds.items()
    }
