"""Finds which tasks learn from a mart: declared ones, and others that left predictions, answers or models."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ml.errors import ModelError
from ml.members import CATEGORY
from ml.prediction_tables.answers import tasks_with_answers
from ml.prediction_tables.shape import primary_key, table_of
from ml.registry.folders import FoundModel, find_models
from ml.task import BY_MODEL, Task, read_task, task_names
from waybill.settings import get_settings

BY_MODEL_TABLES = """
select relname::text
from pg_class
where relnamespace = to_regnamespace('predictions') and relkind = 'r' and right(relname, length(%(end)s)) = %(end)s
    and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'model_id' and not attisdropped)
order by relname
"""
CHECKED = "select distinct task, mart from predictions.model_checks order by task, mart"


@dataclass(frozen=True)
class Subject:
    """A task, the mart that its models learn from, and the key of that mart's rows; it need not be declared any more.

    `models` are those with a manifest that can be read, usable or not. `has_answers` says that the API has answered.
    """

    task: str
    table: str
    key: list[str]
    declared: Task | None
    models: list[FoundModel]
    has_answers: bool

    @property
    def mart(self) -> tuple[str, ...]:
        """The name of the mart and the columns of its key."""
        return self.table, *self.key

    @property
    def columns(self) -> list[str]:
        """The columns that the task or one of its models learns from, besides the key."""
        found = list(self.declared.columns) if self.declared else []
        for model in self.models:
            split = model.manifest.get("split", {})
            found += [*_features(model), model.manifest["label"]]
            found += [split[name] for name in ("time_column", "group_column") if split.get(name)]
        return [name for name in dict.fromkeys(found) if name not in self.key]

    @property
    def categorical(self) -> list[str]:
        """The columns whose texts a model may name: categorical features, labels, and those that divide the rows."""
        found = [*self.declared.categorical, self.declared.label] if self.declared else []
        for model in self.models:
            types = model.manifest.get("feature_types", {})
            found += [name for name in _features(model) if types.get(name, CATEGORY) == CATEGORY]
            found.append(model.manifest["label"])
        numeric = set(self.declared.numeric) if self.declared else set()
        return [name for name in dict.fromkeys(found) if name not in numeric]

    @property
    def feature_sets(self) -> list[tuple[str, ...]]:
        """The features that each model takes, as its answers hold them; each set once, in order."""
        if not self.has_answers:
            return []
        found = [
            tuple(sorted(set(_features(model)) - set(model.manifest.get("features_left_out", []))))
            for model in self.models
        ]
        return sorted({one for one in found if one})


def _features(model: FoundModel) -> list[str]:
    return list(model.manifest["features"])


def find_subjects(cursor: Any, tables: Collection[str]) -> tuple[list[Subject], list[str]]:
    """Return the subjects that learn from these tables of schema marts, and a sentence for each that is not clear."""
    cursor.execute(CHECKED)
    marts: dict[str, set[str]] = {}
    for task, mart in cursor.fetchall():
        marts.setdefault(task, set()).add(mart)
    subjects: list[Subject] = []
    unchecked: list[str] = []
    with_answers = tasks_with_answers(cursor)
    for task in _all_tasks(cursor, with_answers):
        declared, models = _declared(task), _models(task)
        known = {declared.table} if declared else marts.get(task, set())
        if not known:
            unchecked.append(f"the task {task} is not declared, and no check says which mart its models learnt from")
        elif known & set(tables) and len(known) == 1:
            key = declared.key if declared else _stored_key(cursor, task, models)
            subjects.append(Subject(task, next(iter(known)), key, declared, models, task in with_answers))
        if other := sorted((marts.get(task, set()) - {subject.table for subject in subjects}) & set(tables)):
            unchecked.append(f"models of {task} learnt from marts.{', marts.'.join(other)}, which it does not use now")
    return subjects, unchecked


def _all_tasks(cursor: Any, with_answers: list[str]) -> Iterator[str]:
    cursor.execute(BY_MODEL_TABLES, {"end": BY_MODEL})
    with_predictions = [name.removesuffix(BY_MODEL) for (name,) in cursor.fetchall()]
    folder = get_settings().models_folder
    folders = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    with_models = [name for name in folders if _models(name)]
    yield from sorted({*task_names(), *with_predictions, *with_answers, *with_models})


def _declared(task: str) -> Task | None:
    try:
        return read_task(task).task
    except ModelError:
        return None


def _models(task: str) -> list[FoundModel]:
    return [model for model in find_models(task) if {"features", "label"} <= model.manifest.keys()]


def _stored_key(cursor: Any, task: str, models: list[FoundModel]) -> list[str]:
    """Return the key of a task that is not declared: as its predictions have it, else as a manifest does."""
    _, columns = primary_key(cursor, table_of(task)) or ("", [])
    if found := [name for name in columns if name != "model_id"]:
        return found
    return next((list(model.manifest["key"]) for model in models if model.manifest.get("key")), [])
