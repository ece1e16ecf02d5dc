"""`python -m ml.score`: write the current model's predictions to `predictions.<task>` and report if it is stale."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from dataclasses import dataclass
from typing import Any

import click

from ml.checking.checks import Check
from ml.checking.staleness import ensure_checked
from ml.checking.training_rows import RowsChanged
from ml.columns import read_column_types
from ml.drift.observe import observe
from ml.drift.realised_rows import keep_predictions
from ml.each_task import TaskResult, work_on_tasks
from ml.erasing.marks import forget_marks, warning_of
from ml.erasing.predictions import delete_late_answers
from ml.errors import ModelError
from ml.predict import Model, load_model
from ml.prediction_tables.answers import delete_old_answers
from ml.prediction_tables.by_model import changing_predictions, delete_others, read_states
from ml.prediction_tables.grants import read_grants
from ml.prediction_tables.scoring import Scoring, write_predictions
from ml.prediction_tables.shape import column_types, shape_of
from ml.prediction_tables.view import show_model, view_of
from ml.reading.kept import drop_rows
from ml.registry.artefact import read_manifest
from ml.registry.folders import find_models
from ml.registry.history import History, current_id, settled
from ml.registry.later import compare_later
from ml.registry.retention import kept_models
from ml.task import read_task
from warehouse.connection import cursor_of
from warehouse.work_lock import working
from waybill.cli import run
from waybill.observing.work import observing
from waybill.settings import get_settings
from waybill.text import counted, shown


@dataclass(frozen=True)
class ScoreResult(TaskResult):
    """What scoring did: the number of rows written, one line for the user, and whether the model is stale.

    `written` is the number of rows written for each model, the current one first.
    """

    is_stale: bool
    written: dict[str, int]


def score(task: str) -> ScoreResult:
    """Score all rows of the task's table with the current model and its challenger, and show the current one's.

    Nothing is written for a model whose predictions are up to date. A model whose training rows have changed since is
    stale: it still predicts, and every prediction is marked. All rows are written in one transaction.

    Raises:
        NoModel, ArtefactBroken, OtherVersions, ModelRefused, TableInUse: see `ml.errors`; the last predictions stay.
    """
    history = settled(task)
    model = load_model(task)
    challenger, lack = _load_challenger(task, history)
    models = [one for one in (model, challenger) if one]
    checked = {one.model_id: ensure_checked(one.task, one.manifest) for one in models}
    check = checked[model.model_id]
    try:
        with changing_predictions(task) as cursor:
            is_current = current_id(task) == model.model_id
            if is_current:
                written = write_models(cursor, models, checked)
                found = find_models(task)
                delete_others(cursor, task, kept_models(found, history))
                delete_late_answers(cursor, model.task)
                forget_marks(cursor, task, [one.model_id for one in found])
    except RowsChanged:
        return score(task)
    if not is_current:  # another command has made another model current in the meantime
        return score(task)
    drop_rows(model.task)
    delete_old_answers(get_settings().waybill_api_keep_days)
    better = compare_later(challenger, model) if challenger and any(written.values()) else ""
    after = f"{check}{warning_of(model.manifest, task)}{lack}{better}{observe(model)}"
    if not any(written.values()):
        return ScoreResult(0, f"nothing new: the predictions are up to date{after}", check.is_stale, written)
    of = {model.model_id: "", **({challenger.model_id: "the challenger "} if challenger else {})}
    counts = [f"{counted(number, 'prediction')} of {of[name]}{name}" for name, number in written.items() if number]
    return ScoreResult(max(written.values()), f"{', '.join(counts)}{after}", check.is_stale, written)


def _load_challenger(task: str, history: History) -> tuple[Model | None, str]:
    """Return the challenger, and why there is none although the history names one; it never stops the current model."""
    if history.challenger is None:
        return None, ""
    try:
        learnt, declared = read_manifest(task, history.challenger)["label"], read_task(task).task.label
        if learnt != declared:
            return None, f"; the challenger was not scored: it learnt {shown(learnt)}, and the label is {declared} now"
        challenger = load_model(task, history.challenger)
        with cursor_of("trainer") as cursor:
            read_column_types(cursor, challenger.task)
    except ModelError as error:
        return None, f"; the challenger was not scored: {error}"
    return challenger, ""


def write_models(cursor: Any, models: list[Model], checked: dict[str, Check]) -> dict[str, int]:
    """Write the rows of the models that are not up to date, show those of the first; return id → rows written.

    The cursor is that of `changing_predictions`; `checked` has the check of each model.

    Raises:
        RowsChanged: the mart was written after a check: check again, in another transaction.
    """
    task = models[0].task.task
    grants = read_grants(cursor, view_of(task))
    states = read_states(cursor, task)
    scorings = []
    for model in models:
        check = checked[model.model_id]
        state = _describe_state(model, check)
        shape = shape_of(model, column_types(cursor, "marts", model.task.table))
        scorings.append(Scoring(model, shape, state, check))
    outdated = [one for one in scorings if states.get(one.model.model_id) != one.state]
    for one in outdated:
        if one.model.model_id in states:
            keep_predictions(cursor, one.model)
    written = write_predictions(cursor, outdated)
    show_model(cursor, task, models[0].model_id, scorings[0].shape, grants)
    return written


def _describe_state(model: Model, check: Check) -> str:
    """Return what the predictions depend on: the model, its staleness and the rows of the table."""
    freshness = f"stale ({check.because})" if check.is_stale else "fresh"
    return f"{model.model_id} {freshness} {check.table_digest}"


@click.command(
    help="Example: python -m ml.score\n\nWrite the predictions of each task's current model, which predictions.<task> "
    "shows, and of its challenger."
)
@click.option("--task", help="Tasks of ml/tasks, with commas between. Default: WAYBILL_TASK, else all of the pipeline.")
def main(task: str | None) -> None:
    """Score, and print what was written and whether a model is stale."""
    with working("score"):
        result = work_on_tasks(task, observing("score", score))
    click.echo(result.summary)


if __name__ == "__main__":
    run(main, "python -m ml.score")
