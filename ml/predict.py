"""Predicts with a model of a task, the current one by default; writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ml.errors import NoModel
from ml.learning.precision import use_double_precision
from ml.members import CATEGORY, NUMBER
from ml.registry.artefact import load
from ml.split import Split
from ml.task import Task, read_task
from waybill.cli import shown_command


@dataclass(frozen=True)
class Model:
    """A model of a task: the task as the model learnt it, its manifest, and the function that reads its pipeline.

    Without that function it only describes a model.
    """

    task: Task
    manifest: dict[str, Any]
    read: Callable[[], Any] = lambda: None

    @cached_property
    def pipeline(self) -> Any:
        """The fitted pipeline, which is read when it is first used."""
        return self.read()

    @property
    def model_id(self) -> str:
        """The id that training gave the model."""
        return str(self.manifest["model_id"])

    @property
    def is_binary(self) -> bool:
        """True if the label has two classes; older manifests do not say so."""
        return bool(self.manifest.get("kind", "binary") == "binary")

    @property
    def classes(self) -> list[str]:
        """The classes in the order of the probabilities, as the database writes them."""
        return list(self.manifest["classes"])

    @property
    def threshold(self) -> float:
        """The probability from which a row is predicted to have the positive label, of two."""
        return float(self.manifest["threshold"])

    @property
    def features(self) -> list[str]:
        """The features that the model takes: those of the task that had a value in the training rows."""
        left_out = self.manifest.get("features_left_out", [])
        return [name for name in self.task.features if name not in left_out]


def load_model(task: str, model_id: str | None = None) -> Model:
    """Return a model of a task, by default the current one; it takes the features that it learnt.

    Raises:
        TaskBroken, NoModel, ArtefactBroken, OtherVersions: see `ml.errors`.
    """
    declared = read_task(task).task
    unpickle, manifest = load(task, model_id)

    def read() -> Any:
        pipeline = unpickle()
        use_double_precision(pipeline)
        return pipeline

    return Model(task_of(declared, manifest), manifest, read)


def task_of(declared: Task, manifest: dict[str, Any]) -> Task:
    """Return the task as a model learnt it: with its features, split and seed, on today's table and key.

    Raises:
        NoModel: the model learnt another label, or is an older one that does not say of what type its features are.
    """
    types = {**dict.fromkeys(declared.categorical, CATEGORY), **dict.fromkeys(declared.numeric, NUMBER)}
    types |= manifest.get("feature_types", {})
    other = "another label" if manifest["label"] != declared.label else ""
    if any(name not in types for name in manifest["features"]):
        other = "other features"
    if other:
        file = f"ml/tasks/{declared.task}.yml"
        command = shown_command(f"train --task {declared.task}")
        raise NoModel(f"the model of {declared.task} learnt {other} than {file} names: train one with `{command}`")
    learnt: dict[str, Any] = {
        "categorical": [name for name in manifest["features"] if types[name] == CATEGORY],
        "numeric": [name for name in manifest["features"] if types[name] == NUMBER],
        "positive_label": manifest.get("positive_label", declared.positive_label),
        "seed": manifest.get("seeds", {}).get("task", declared.seed),
    }
    if "split" in manifest:
        fields = {name: value for name, value in manifest["split"].items() if name != "kind"}
        learnt["split"] = Split.model_validate(fields)
    return declared.model_copy(update=learnt)


def predict(model: Model, rows: Any) -> Any:
    """Return a probability for each row of a data frame that has the task's features.

    Of two classes it is the positive one's; of more, an array with a column for each of `model.classes`.
    """
    probabilities = model.pipeline.predict_proba(rows[model.features]).astype("float64")
    return probabilities[:, 1] if model.is_binary else probabilities


def has_positive_label(model: Model, probabilities: Any) -> Any:
    """Return for each probability whether it reaches the model's threshold."""
    return probabilities >= model.threshold


def most_probable(model: Model, probabilities: Any) -> Any:
    """Return the most probable of several classes for each row."""
    import numpy as np

    return np.array(model.classes, dtype=object)[probabilities.argmax(axis=1)]
