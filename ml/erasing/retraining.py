"""Replaces models that had learnt erased rows: trains a new one for each task, then deletes the marked ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ml.erasing.marks import forget_marks, is_refused
from ml.errors import ModelError
from ml.prediction_tables.by_model import changing_predictions, delete_others
from ml.registry.folders import find_models, usable_models
from ml.registry.history import current_id, settled
from ml.registry.retention import delete_models, kept_models
from ml.score import score
from ml.train import train
from waybill.text import counted


@dataclass(frozen=True)
class Retrained:
    """One sentence for each task whose marked models are deleted, and for each that could not be trained."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def retrain(tasks: Collection[str]) -> Retrained:
    """Train and score a new model for each task whose current one is refused; delete the refused ones.

    It can be repeated. Where training or scoring fails, the refused models stay, and stay refused.
    """
    found = Retrained()
    for task in tasks:
        try:
            if sentence := _retrain(task):
                found.done.append(f"{task}: {sentence}")
        except ModelError as error:
            found.failed.append(f"{task}: {error}")
    return found


def _retrain(task: str) -> str:
    """Do what is left to do for one task, and return it; empty if no model is refused.

    1. Train a model, which becomes the current one, as the refused one cannot be loaded. 2. Write its predictions.
    3. Delete the refused models. 4. Delete their predictions and marks.
    """
    refused = [model for model in find_models(task) if is_refused(model.manifest)]
    if not refused:
        _delete_rows(task)
        return ""
    trained = ""
    if current_id(task) in [model.model_id for model in refused]:
        model_id = train(task).manifest["model_id"]  # 1.
        score(task)  # 2.
        trained = f"{model_id} is the current model; "
    gone = delete_models(task, lambda model: is_refused(model.manifest))  # 3.
    _delete_rows(task)  # 4.
    return f"{trained}{counted(len(gone), 'model')} that had learnt erased rows deleted"


def _delete_rows(task: str) -> None:
    history = settled(task)
    with changing_predictions(task) as cursor:
        delete_others(cursor, task, kept_models(find_models(task), history))
        forget_marks(cursor, task, [model.model_id for model in usable_models(task)])
