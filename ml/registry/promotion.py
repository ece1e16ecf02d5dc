"""Makes another model of a task the current one: the one that a person names, or the one that was current before."""

from __future__ import annotations

from ml.checking.checks import Check
from ml.checking.staleness import ensure_checked
from ml.checking.training_rows import RowsChanged
from ml.columns import read_columns
from ml.erasing.marks import describe_marks, is_marked
from ml.errors import NoModel
from ml.predict import Model, load_model
from ml.prediction_tables.by_model import changing_predictions
from ml.registry.folders import find_model
from ml.registry.history import PROMOTE, ROLLBACK, History, changing, make_current
from ml.score import write_models
from waybill.cli import shown_command
from waybill.text import counted


def promote(task: str, beginning: str) -> str:
    """Make the model whose id begins so the current one, and return what was done.

    Raises:
        NoModel: there is no such model, or the mart has not all columns that it learnt from.
        ArtefactBroken, OtherVersions, ModelRefused: the model cannot be loaded; the current one stays.
    """
    found = find_model(task, beginning)
    with changing(task) as history:
        return _switch(task, history, found.model_id, PROMOTE)


def rollback(task: str) -> str:
    """Make the model that was current before the current one; a second rollback goes back one more.

    Raises:
        NoModel: no model was current before, or its folder is gone; else as `promote`.
    """
    with changing(task) as history:
        if history.before is None:
            raise NoModel(
                f"{task} had no other current model before: `{shown_command(f'models {task}')}` lists its models, "
                f"`{shown_command(f'promote {task} MODEL')}` chooses one"
            )
        return _switch(task, history, find_model(task, history.before).model_id, ROLLBACK)


def _switch(task: str, history: History, model_id: str, reason: str) -> str:
    """Switch to a model, in an order in which the process can be killed at any moment.

    1. Load the model: what is refused changes nothing. 2. Write its predictions unless they are up to date, and let the
    view show them, in a transaction that nobody sees yet. 3. Write the history, from where the change counts, and
    `current`. 4. Commit. After a kill between 3 and 4, the next promotion, rollback or `waybill score` does 2 and 4.
    """
    model = _load(task, model_id)  # 1.
    while (switched := _try_to_switch(history, model, reason)) is None:
        pass
    check, written = switched
    done = f"{model_id} is the current model of {task}" + (
        f" instead of {history.current}" if history.current not in (None, model_id) else ", as before"
    )
    scored = f"; {counted(written, 'prediction')} written" if written else ""
    marks = f"; it {describe_marks(model.manifest)}" if is_marked(model.manifest) else ""
    return f"{done}; predictions.{task} shows its predictions{scored}{check}{marks}"


def _try_to_switch(history: History, model: Model, reason: str) -> tuple[Check, int] | None:
    """Return the check and the number of predictions that were written; None if the mart was written meanwhile."""
    task, model_id = model.task.task, model.model_id
    check = ensure_checked(model.task, model.manifest)
    try:
        with changing_predictions(task) as cursor:
            written = write_models(cursor, [model], {model_id: check})  # 2.
            if history.current != model_id:
                make_current(task, history, model_id, reason)  # 3.
    except RowsChanged:
        return None
    return check, written.get(model_id, 0)


def _load(task: str, model_id: str) -> Model:
    """Return a model whose columns the mart has."""
    model = load_model(task, model_id)
    found = read_columns(model.task)
    missing = [name for name in model.task.columns if name not in found]
    if missing:
        raise NoModel(
            f"the model {model_id} of {task} learnt from {', '.join(missing)}, which marts.{model.task.table} does not"
            f" have: choose another, `{shown_command(f'models {task}')}` lists them"
        )
    return model
