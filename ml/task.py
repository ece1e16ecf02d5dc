"""Reads a declared task: what is predicted, from which table and features, and how rows are split by time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml.errors import TaskBroken
from waybill.settings import get_settings
from waybill.yaml_files import read_declared

TASKS = Path(__file__).with_name("tasks")
NAME = r"^[a-z][a-z0-9_]{0,59}$"
Column = Annotated[str, Field(pattern=r"^[^\W\d]\w{0,62}$")]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # what scikit-learn accepts


class Split(BaseModel):
    """The first days of validation and of test; all days before are for training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    validation_from: date
    test_from: date


class Task(BaseModel):
    """One declared task on a table in schema `marts`; the label is a boolean column, null where it is unknown.

    `positive_label` is what a true label is called; `unlabelled` is the reason why rows have no label. `is_default` is
    true for the one task that commands use unless another is named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(pattern=NAME)
    is_default: bool = False
    table: str = Field(pattern=NAME)
    key: Column
    label: Column
    positive_label: str = Field(default="positive", min_length=1, max_length=60)
    unlabelled: str = Field(default="", max_length=200)
    time_column: Column
    split: Split
    seed: Seed
    threshold: float = Field(gt=0, lt=1)
    categorical: list[Column] = []
    numeric: list[Column] = []
    candidates: dict[str, dict[str, Any]] = Field(min_length=1)

    @model_validator(mode="after")
    def can_be_learnt(self) -> Task:
        """Raise an error for a task whose features are missing, named twice or its answer, or whose split is empty."""
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if not self.features:
            raise ValueError("must name at least one feature under categorical or numeric")
        if twice:
            raise ValueError(f"names {', '.join(twice)} more than once among key, label, time_column and the features")
        if self.split.validation_from >= self.split.test_from:
            raise ValueError("must have split.validation_from before split.test_from")
        return self

    @property
    def features(self) -> list[str]:
        """The features, in the order in which the model takes them."""
        return [*self.categorical, *self.numeric]

    @property
    def columns(self) -> list[str]:
        """Key, time, label and features."""
        return [self.key, self.time_column, self.label, *self.features]


@dataclass(frozen=True)
class DeclaredTask:
    """A task and the SHA-256 of its declaration file."""

    task: Task
    digest: str


def read_task(name: str) -> DeclaredTask:
    """Read the declaration of a task from `ml/tasks`.

    Raises:
        TaskBroken: it is missing or cannot be used.
    """
    path = TASKS / f"{name}.yml"
    declared = _task_names()
    if name not in declared:
        raise TaskBroken(f"unknown task {name!r}: choose from {', '.join(declared)}, or add ml/tasks/{name}.yml")
    task = read_declared(path, Task, TaskBroken)
    if task.task != name:
        raise TaskBroken(f"ml/tasks/{path.name} declares task {task.task!r}: name the file after its task")
    return DeclaredTask(task, hashlib.sha256(path.read_bytes()).hexdigest())


def chosen_task(given: str | None = None) -> str:
    """Return the task to work on: the given one, else WAYBILL_TASK's, else the only one or the default of several.

    Raises:
        TaskBroken: there is no such choice.
    """
    chosen = given if given is not None else get_settings().waybill_task
    if chosen is not None:
        return chosen
    names = _task_names()
    default = names if len(names) == 1 else [name for name in names if read_task(name).task.is_default]
    if len(default) != 1:
        raise TaskBroken(
            f"which task? {', '.join(names) or 'none'} {'is' if len(names) == 1 else 'are'} declared in ml/tasks: "
            "name one with --task or WAYBILL_TASK, or give exactly one of them `is_default: true`"
        )
    return default[0]


def _task_names() -> list[str]:
    return sorted(file.stem for file in TASKS.glob("*.yml"))
