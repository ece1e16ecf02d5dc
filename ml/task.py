"""Reads a declared task: what is predicted, from which table and features, and how its rows are divided."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticKnownError

from ml.errors import TaskBroken
from ml.measuring.declaration import AnySlice, Cost, mistake_in_blend, mistake_in_groups, mistake_in_slices
from ml.split import Column, Split
from waybill.declared.yaml_files import read_declared
from waybill.settings import get_settings

TASKS = Path(__file__).with_name("tasks")
NAME = r"^[a-z][a-z0-9_]{0,59}$"
COLUMN = r"^[^\W\d]\w{0,62}$"
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what scikit-learn accepts
DEFAULT_THRESHOLD = 0.5
DUMMY, BLEND = "dummy", "blend"
BY_MODEL = "_by_model"  # what the name of the table ends in that has a task's predictions by all models
ANSWERS = "_answers"  # the same of the table of what the API has answered
MAX_TASK_NAME = 53  # which fits, with that end, into a name of PostgreSQL
# of schema predictions
TAKEN_TABLES = ("model_checks", "model_drift", "realised_figures", "realised_predictions", "erased_models")
WORDS = {"in_pipeline", "is_default", "unlabelled", "description", "limits"}  # fields that no model depends on
PREDICTED = ("model_id", "probability", "is_predicted_positive", "predicted_label", "is_stale", "scored_at")


def _as_columns(value: Any) -> Any:
    """Return a list for the name of one column, so that a mistake in it is named as the field's own."""
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if not re.search(COLUMN, value):
        raise PydanticKnownError("string_pattern_mismatch", {"pattern": COLUMN})
    return [value]


class Task(BaseModel):
    """One declared task on a table in schema `marts`; the label is null where it is unknown.

    `key` is one or several columns. A label with two values is binary: `positive_value` says which of a text or integer
    is the positive one, `positive_label` what it is called. More values are classes. `unlabelled` is the reason why
    rows have no label. `in_pipeline` is false for a task that commands use only when it is named. The threshold is
    given, or chosen for a `cost`. `slices` is None for the usual ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(pattern=NAME)
    in_pipeline: bool = True
    is_default: bool = False  # of older declarations; all tasks of the pipeline are used
    table: str = Field(pattern=NAME)
    key: Annotated[list[Column], BeforeValidator(_as_columns), Field(min_length=1)]
    label: Column
    positive_label: str = Field(default="positive", min_length=1, max_length=60)
    positive_value: bool | int | str | None = None
    unlabelled: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=2000)  # the user's words, shown on the model card
    limits: list[Annotated[str, Field(min_length=1, max_length=500)]] = []  # the same
    rare_classes: Literal["refuse", "leave_out"] = "refuse"
    split: Split
    seed: Seed = 0
    threshold: float | None = Field(default=None, gt=0, lt=1)
    cost: Cost | None = None
    categorical: list[Column] = []
    numeric: list[Column] = []
    feature_groups: dict[str, Annotated[list[Column], Field(min_length=1)]] = {}
    slices: list[AnySlice] | None = None
    candidates: dict[str, dict[str, Any]] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def is_in_todays_form(cls, declared: Any) -> Any:
        """Return the declaration with the time column within the split, and with a name of the positive label."""
        if not isinstance(declared, dict):
            return declared
        now = dict(declared)
        if "time_column" in now and isinstance(now.get("split"), dict):
            column = now.pop("time_column")
            if now["split"].get("time_column", column) != column:
                raise ValueError("names time_column twice: keep the one within split")
            now["split"] = {**now["split"], "time_column": column}
        if now.get("positive_value") is not None:
            now.setdefault("positive_label", str(now["positive_value"]))
        return now

    @model_validator(mode="after")
    def can_be_learnt(self) -> Task:
        """Raise an error for a task without features, or with a column that is used for two things."""
        answers = [self.label, *filter(None, [self.split.column])]
        names = [*self.features, *answers, *(self.key if len(self.key) == 1 else [])]
        split_in_key = [self.split.column] if self.key == [self.split.column] else []
        twice = {name for name in names if names.count(name) > 1} - set(split_in_key)
        twice |= {name for name in self.key if self.key.count(name) > 1 or name in (self.label, *self.numeric)}
        taken = [name for name in self.key if name in PREDICTED or name.startswith("probability_")]
        if mistake := mistake_in_name(self.task):
            raise ValueError(f"{mistake}: rename it, as its file")
        if taken:
            raise ValueError(f"has {', '.join(taken)} in its key, which predictions have as another column: rename it")
        if not self.features:
            raise ValueError("must name at least one feature under categorical or numeric")
        if twice:
            raise ValueError(
                f"names {', '.join(sorted(twice))} more than once among key, label, the split's column and the features"
            )
        return self

    @model_validator(mode="after")
    def can_be_measured(self) -> Task:
        """Raise an error for a threshold that is declared twice, and for groups, slices or a blend of unknown names."""
        if self.cost is not None and self.threshold is not None:
            raise ValueError("has both cost and threshold: keep cost, for which the threshold is chosen, or threshold")
        mistakes = [
            mistake_in_groups(self.feature_groups, self.features),
            mistake_in_slices(self.slices or [], self.categorical, self.numeric, self.split.time_column),
            mistake_in_blend(self.candidates[BLEND], list(self.candidates)) if BLEND in self.candidates else None,
        ]
        if found := [mistake for mistake in mistakes if mistake]:
            raise ValueError(found[0])
        return self

    @property
    def features(self) -> list[str]:
        """The features, in the order in which the model takes them."""
        return [*self.categorical, *self.numeric]

    @property
    def columns(self) -> list[str]:
        """Key, column of the split, label and features, each once."""
        return list(dict.fromkeys([*self.key, *filter(None, [self.split.column]), self.label, *self.features]))

    @property
    def compared(self) -> dict[str, dict[str, Any]]:
        """The candidates with their parameters; a dummy is always among them."""
        return self.candidates if DUMMY in self.candidates else {DUMMY: {}, **self.candidates}


def mistake_in_name(task: str) -> str:
    """Return why predictions cannot be stored under the name of a task, which matches NAME; empty if they can."""
    if task in TAKEN_TABLES:
        return f"has the name of a table that Waybill keeps in schema predictions: {task}"
    for end in (BY_MODEL, ANSWERS):
        if task.endswith(end):
            return f"has a name that ends in {end}, as tables of predictions do"
    if len(task) > MAX_TASK_NAME:
        return f"has a name of {len(task)} characters, and predictions.<task>{BY_MODEL} leaves {MAX_TASK_NAME}"
    return ""


@dataclass(frozen=True)
class DeclaredTask:
    """A task, and the SHA-256 of its declaration file."""

    task: Task
    file_digest: str

    @property
    def digest(self) -> str:
        """The SHA-256 of what a model depends on: no comments, no words for people, no field with its default value."""
        declared = self.task.model_dump(mode="json", exclude=WORDS, exclude_defaults=True)
        return hashlib.sha256(json.dumps(declared).encode()).hexdigest()

    def is_same_as(self, task_digest: str) -> bool:
        """Return whether a manifest's `task_digest` is of this declaration; an older manifest has that of the file."""
        return task_digest in (self.digest, self.file_digest)


def read_task(name: str) -> DeclaredTask:
    """Read the declaration of a task from `ml/tasks`.

    Raises:
        TaskBroken: it is missing or cannot be used.
    """
    path = TASKS / f"{name}.yml"
    declared = task_names()
    if name not in declared:
        known = f"choose from {', '.join(declared)}, or add" if declared else "no task is declared: add"
        raise TaskBroken(f"unknown task {name!r}: {known} ml/tasks/{name}.yml")
    task = read_declared(path, Task, TaskBroken)
    if task.task != name:
        raise TaskBroken(f"ml/tasks/{path.name} declares task {task.task!r}: name the file after its task")
    return DeclaredTask(task, hashlib.sha256(path.read_bytes()).hexdigest())


def chosen_tasks(given: str | None = None) -> list[str]:
    """Return the tasks to work on: those given or else in WAYBILL_TASK, with commas between, else the pipeline's.

    A task whose declaration cannot be used is among the pipeline's, so that what reads it says what is wrong.
    """
    named = given if given is not None else get_settings().waybill_task
    if named is not None:
        return list(dict.fromkeys(name.strip() for name in named.split(",") if name.strip()))
    return [name for name in task_names() if _is_in_pipeline(name)]


def _is_in_pipeline(name: str) -> bool:
    try:
        return read_task(name).task.in_pipeline
    except TaskBroken:
        return True


def task_names() -> list[str]:
    """Return the names of all declared tasks."""
    return sorted(file.stem for file in TASKS.glob("*.yml"))
