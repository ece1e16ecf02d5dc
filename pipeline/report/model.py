"""The report's facts about the models of all tasks: figures, classes, curves, and whether they are stale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ml.checking.checks import Check, read_check
from ml.erasing.marks import describe_marks
from ml.learning.summary import describe_split, kind_of
from ml.registry.artefact import described_models
from ml.task import chosen_tasks, task_names
from pipeline.model_card.drift import DriftFacts, read_drift, realised_table
from pipeline.model_card.figures import FigureTable
from pipeline.report.line_pictures import Curve, draw_curves

FIGURES = {
    "binary": ("roc_auc", "pr_auc", "brier", "ece", "precision", "recall"),
    "multi-class": ("roc_auc", "macro_f1", "balanced_accuracy", "log_loss", "accuracy"),
}
CLASS_FIGURES = ("precision", "recall", "roc_auc")
SETS = ("train", "validation", "test")


@dataclass(frozen=True)
class Candidate:
    """One candidate's figures on the test rows, in the order of the model's; None where it has no such figure."""

    name: str
    is_chosen: bool
    figures: list[Any]


@dataclass(frozen=True)
class ClassFacts:
    """One class of the label: its share of the labelled rows, its rows in each set, its figures on the test rows."""

    name: str
    share: float
    rows: list[int]
    figures: list[float]


@dataclass(frozen=True)
class ModelFacts:
    """The current model of a task; `check` is None if its training rows were never compared with today's.

    `erased` says that it had learnt rows that were erased since; it is empty if it had not.
    """

    model_id: str
    task: str
    kind: str
    trained_at: str | None
    chosen: str | None
    learnt_from: int | None
    split: dict[str, Any]
    split_sentence: str
    figure_names: tuple[str, ...]
    candidates: list[Candidate]
    classes: list[ClassFacts]
    left_out: dict[str, str]
    figures: dict[str, Any]
    curves: list[Curve]
    check: Check | None
    erased: str

    @property
    def is_stale(self) -> bool | None:
        """Whether the training rows had changed at the last check; None without one."""
        return self.check.is_stale if self.check else None

    @property
    def staleness(self) -> str:
        """Whether the training rows have changed, and when that was found out, as a sentence."""
        marks = f" It {self.erased}." if self.erased else ""
        if self.check is None:
            return f"Its training rows were never compared with today's.{marks}"
        return f"{self.check.verdict[0].upper()}{self.check.verdict[1:]}.{marks}"


@dataclass(frozen=True)
class Followed:
    """What became of a model since training: how the rows differ, and how good predictions turned out by month."""

    drift: DriftFacts | None
    realised: FigureTable | None


@dataclass(frozen=True)
class Models:
    """The current models, and the tasks of the pipeline that have none; both are empty if no task is declared.

    `followed` says of each task's model what became of it since training; `broken` names what cannot be read.
    """

    trained: list[ModelFacts]
    untrained: list[str]
    broken: list[str]
    followed: dict[str, Followed]


def gather_models(connection: Connection) -> Models:
    """Return the facts of the current models' manifests: of all tasks that have one."""
    manifests, broken = described_models(task_names())
    trained = [model_facts(task, manifest) for task, manifest in manifests.items()]
    followed = {
        model.task: Followed(
            drift=read_drift(connection, model.task, model.model_id),
            realised=realised_table(connection, model.task, model.model_id, model.kind),
        )
        for model in trained
    }
    untrained = [task for task in chosen_tasks() if task not in manifests and task not in broken]
    return Models(trained, untrained, list(broken.values()), followed)


def model_facts(task: str, manifest: dict[str, Any]) -> ModelFacts:
    """Return the facts of a manifest, which may be that of an older version."""
    figures = {name: value for name, value in manifest.get("metrics", {}).items() if isinstance(value, int | float)}
    chosen, kind = manifest.get("chosen"), kind_of(manifest)
    candidates = [
        Candidate(name, name == chosen, [result["test"].get(figure) for figure in FIGURES[kind]])
        for name, result in manifest.get("candidates", {}).items()
    ]
    return ModelFacts(
        model_id=manifest["model_id"],
        task=task,
        kind=kind,
        trained_at=manifest.get("trained_at"),
        chosen=chosen,
        learnt_from=manifest.get("rows", {}).get("learnt_from"),
        split=manifest.get("split", {}),
        split_sentence=describe_split(manifest) if "class_balance" in manifest else "",
        figure_names=FIGURES[kind],
        candidates=candidates,
        classes=_classes(manifest),
        left_out=_left_out(manifest),
        figures=figures,
        curves=draw_curves(manifest.get("curves", {}), float(figures.get("base_rate", 0))),
        check=read_check(task, manifest["model_id"]),
        erased=describe_marks(manifest),
    )


def _classes(manifest: dict[str, Any]) -> list[ClassFacts]:
    """Return the classes, the largest first."""
    each = manifest.get("each_class", {})
    found = [
        ClassFacts(
            name, balance["share"], [balance[one] for one in SETS], [each[name][one] for one in CLASS_FIGURES if each]
        )
        for name, balance in manifest.get("class_balance", {}).items()
    ]
    return sorted(found, key=lambda one: -one.share)


def _left_out(manifest: dict[str, Any]) -> dict[str, str]:
    """Return what training left out → why."""
    features = {f"feature {name}": "no value in the training rows" for name in manifest.get("features_left_out", [])}
    classes = {f"class {name}": lack for name, lack in manifest.get("classes_left_out", {}).items()}
    return {**features, **classes}
