"""Predicts with a task's current model and checks whether the model is stale; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.artefact import load
from ml.errors import NoModel
from ml.rows import find_changed_batches, hash_training_rows
from ml.task import Task, read_task

MAX_NAMED_BATCHES = 5


@dataclass(frozen=True)
class Model:
    """A task's current model: its declaration, its fitted pipeline and its manifest."""

    task: Task
    pipeline: Any
    manifest: dict[str, Any]

    @property
    def model_id(self) -> str:
        """The id that training gave the model."""
        return str(self.manifest["model_id"])

    @property
    def threshold(self) -> float:
        """The probability from which a row is predicted to have the positive label."""
        return float(self.manifest["threshold"])


@dataclass(frozen=True)
class Staleness:
    """Whether a model's training rows have changed since training, and which batches may have changed them.

    `table_digest` is the hash of all rows of the task's table now: while it is unchanged, so are the predictions.
    """

    is_stale: bool
    changed_batches: list[str]
    table_digest: str

    def __str__(self) -> str:
        """Return a sentence for the end of a summary; empty when the model is fresh."""
        if not self.is_stale:
            return ""
        names = list(dict.fromkeys(self.changed_batches))
        more = f" and {len(names) - MAX_NAMED_BATCHES} more" if len(names) > MAX_NAMED_BATCHES else ""
        named = ", ".join(names[:MAX_NAMED_BATCHES])
        because = named or "by no batch: the table was rebuilt differently or edited by hand"
        return f"; STALE: its training rows have changed ({because}{more}); train it again with `make train`"


def load_model(task: str) -> Model:
    """Return the current model of a task.

    Raises:
        TaskBroken, NoModel, ArtefactBroken, OtherVersions: see `ml.errors`.
    """
    declared = read_task(task)
    pipeline, manifest = load(task)
    if manifest["features"] != declared.task.features:
        raise NoModel(
            f"the model of {task} learnt other features than ml/tasks/{task}.yml names: train one with `make train`"
        )
    return Model(declared.task, pipeline, manifest)


def predict(model: Model, rows: Any) -> Any:
    """Return the probability of the positive label for each row of a data frame that has the task's features."""
    return model.pipeline.predict_proba(rows[model.task.features])[:, 1]


def has_positive_label(model: Model, probabilities: Any) -> Any:
    """Return for each probability whether it reaches the model's threshold."""
    return probabilities >= model.threshold


def check_staleness(model: Model) -> Staleness:
    """Compare the training rows in the warehouse with those that the model learnt from.

    Raises:
        NothingToLearn: the task's table or a column is missing, or there is no labelled row.
    """
    now = hash_training_rows(model.task)
    is_stale = now.digest != model.manifest["training_digest"]
    changed = find_changed_batches(model.manifest["batches"], now.batches) if is_stale else []
    return Staleness(is_stale, changed, now.table_digest)
