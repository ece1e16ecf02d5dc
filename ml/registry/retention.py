"""Says which models of a task are kept: the current one, its challenger, and the last five others."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from ml.registry.folders import PARTIAL, FoundModel, find_models
from ml.registry.history import History, changing, forget_challenger

OTHERS = 5


def kept_models(models: list[FoundModel], history: History) -> list[str]:
    """Return the ids of the models whose rows and folders are kept: the first two, then the others, the latest first.

    A model counts from its training, or from when it was the current one for the last time.
    """
    first = [name for name in (history.current, history.challenger) if name]
    others = [model for model in models if not model.problem and model.model_id not in first]
    others.sort(
        key=lambda one: max(str(one.manifest.get("trained_at")), history.last_current(one.model_id)), reverse=True
    )
    return [*first, *(model.model_id for model in others[:OTHERS])]


def prune(task: str) -> list[str]:
    """Delete the folders of models that are not kept, and of those that were not saved completely; return their ids.

    The current model is never deleted. A folder whose manifest cannot be read stays: it may be repaired.
    """
    with changing(task) as history:
        models = find_models(task)
        kept = kept_models(models, history)
        gone = [one for one in models if one.model_id not in kept and (not one.problem or one.is_partial)]
        for model in gone:
            _delete(model)
    return [model.model_id for model in gone]


def delete_models(task: str, is_wrong: Callable[[FoundModel], bool]) -> list[str]:
    """Delete the folders of all models that are wrong, except the current one; return their ids.

    A challenger that is deleted is no longer named as one.
    """
    with changing(task) as history:
        gone = [one for one in find_models(task) if one.model_id != history.current and is_wrong(one)]
        if history.challenger in [model.model_id for model in gone]:
            forget_challenger(task, history)
        for model in gone:
            _delete(model)
    return [model.model_id for model in gone]


def _delete(model: FoundModel) -> None:
    hidden = model.folder.with_name(f".{model.model_id}{PARTIAL}")
    if model.folder != hidden:
        model.folder.rename(hidden)  # so that nobody finds half of a model
    shutil.rmtree(hidden)
