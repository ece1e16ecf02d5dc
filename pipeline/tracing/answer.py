"""Traces an answer of the API: the model, what it was given, the mart row today, and the row's document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import sql

from loader.errors import CoordinateUnknown
from loader.tracing.terminal import shown_time
from loader.tracing.why import why_row_named
from ml.api.data.features import FeatureReader, Features, as_text
from ml.errors import ModelError, TaskBroken
from ml.predict import Model, task_of
from ml.prediction_tables.answers import answers_table, tasks_with_answers
from ml.task import Task, read_task
from pipeline.errors import AnswerUnknown
from pipeline.tracing.model_state import find_manifest, state_of_model
from warehouse.connection import cursor_of
from waybill.settings import get_settings
from waybill.text import counted

FIND = """
select answered_at, model_id::text, key, features, probability, is_predicted_positive, predicted_label, probabilities
from {}
where prediction_id = %s
"""


@dataclass(frozen=True)
class StoredAnswer:
    """A row of `predictions.<task>_answers`; `key` is None if the features were given."""

    task: str
    prediction_id: str
    answered_at: datetime
    model_id: str
    key: dict[str, Any] | None
    features: dict[str, Any]
    probability: float | None
    is_predicted_positive: bool | None
    predicted_label: str | None
    probabilities: dict[str, float] | None


def why_answer(prediction_id: str) -> list[str]:
    """Return what an answer of the API was made from, a sentence a line.

    Raises:
        AnswerUnknown: no answer has this id, or it was deleted since.
    """
    answer = _find(prediction_id)
    manifest = find_manifest(answer.task, answer.model_id)
    lines = [
        f"prediction {prediction_id} of the task {answer.task}, answered {shown_time(answer.answered_at)}",
        _predicted(answer, manifest or {}),
        state_of_model(answer.task, answer.model_id, manifest),
    ]
    given = "given with the request" if answer.key is None else f"read from the mart by the key {_pairs(answer.key)}"
    lines += [f"its features were {given}:", *(f"  {name} = {_value(one)}" for name, one in answer.features.items())]
    return lines if answer.key is None else [*lines, *_lines_of_row(answer, answer.key, manifest)]


def _find(prediction_id: str) -> StoredAnswer:
    with cursor_of("reader") as cursor:
        tasks = tasks_with_answers(cursor)
        for task in tasks:
            cursor.execute(sql.SQL(FIND).format(answers_table(task)), [prediction_id])
            if row := cursor.fetchone():
                return StoredAnswer(task, prediction_id, *row)
    if not tasks:
        raise AnswerUnknown(f"no prediction {prediction_id}: the API has not stored an answer in this database yet")
    raise AnswerUnknown(
        f"no prediction {prediction_id} in the stored answers of {', '.join(tasks)}: they are kept for "
        f"{counted(get_settings().waybill_api_keep_days, 'day')}, and written a moment after the API has answered"
    )


def _predicted(answer: StoredAnswer, manifest: dict[str, Any]) -> str:
    if answer.probabilities is not None:
        listed = ", ".join(f"{name} {value:.6f}" for name, value in answer.probabilities.items())
        return f"it predicted {answer.predicted_label}: {listed}"
    positive = manifest.get("positive_label", "positive")
    threshold = f", threshold {manifest['threshold']}" if "threshold" in manifest else ""
    verdict = positive if answer.is_predicted_positive else f"not {positive}"
    return f"it predicted {verdict}: {positive} has probability {answer.probability:.6f}{threshold}"


def _lines_of_row(answer: StoredAnswer, key: dict[str, Any], manifest: dict[str, Any] | None) -> Iterator[str]:
    """Yield whether the mart row still has the features that were answered, and the lineage of its document."""
    try:
        declared = read_task(answer.task).task
    except TaskBroken as error:
        yield f"the mart row cannot be looked up: {error}"
        return
    named = f"marts.{declared.table} {', '.join(map(str, key.values()))}"
    if set(key) != set(declared.key):
        yield f"the mart row cannot be looked up: the key of the task is {', '.join(declared.key)} now"
        return
    yield _compared(named, answer, key, declared, manifest)
    try:
        yield from why_row_named(declared.table, {name: as_text(value) or "" for name, value in key.items()})
    except CoordinateUnknown as error:
        yield f"its document cannot be traced: {error}"


def _compared(
    named: str, answer: StoredAnswer, key: dict[str, Any], declared: Task, manifest: dict[str, Any] | None
) -> str:
    """Return which features of the mart row differ today from those that were answered."""
    if manifest is None:
        return f"{named}: whether it has changed since is not known without the model"
    reader = FeatureReader()
    try:
        model = Model(task_of(declared, manifest), manifest)
        (today,) = reader.read_features(model, [key])
    except ModelError as error:
        return f"{named}: whether it has changed since is not known: {error}"
    finally:
        reader.close()
    if today is None:
        return f"{named} is not in the mart any more"
    different = [
        f"{name} was {_value(then)}, is {_value(today.get(name))}"
        for name, then in answer.features.items()
        if not _is_same(then, today, name)
    ]
    return f"{named} has changed since: {'; '.join(different)}" if different else f"{named} has the same features today"


def _is_same(then: Any, today: Features, name: str) -> bool:
    now = today.get(name)
    return then == now if isinstance(then, str | None) else isinstance(now, float) and float(then) == now


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    return "null" if value is None else str(value)
