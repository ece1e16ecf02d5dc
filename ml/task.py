"""Reads a declared task: what is predicted, from which table and features, and how rows are split by time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml.errors import TaskBroken

TASKS = Path(__file__).with_name("tasks")
NAME = r"^[a-z][a-z0-9_]{0,59}$"


class Split(BaseModel):
    """The first days of validation and of test; all days before are for training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    validation_from: date
    test_from: date


class Task(BaseModel):
    """One declared task on a table in schema `marts`; the label is a boolean column, null where it is unknown.

    `positive_label` is what a true label is called; `unlabelled` is the reason why rows have no label.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(pattern=NAME)
    table: str = Field(pattern=NAME)
    key: str = Field(pattern=NAME)
    label: str = Field(pattern=NAME)
    positive_label: str = Field(default="positive", min_length=1, max_length=60)
    unlabelled: str = Field(default="", max_length=200)
    time_column: str = Field(pattern=NAME)
    split: Split
    seed: int
    threshold: float = Field(gt=0, lt=1)
    categorical: list[str]
    numeric: list[str]
    candidates: dict[str, dict[str, Any]]

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
    declared = sorted(file.stem for file in TASKS.glob("*.yml"))
    if name not in declared:
        raise TaskBroken(f"unknown task {name!r}: choose from {', '.join(declared)}, or add ml/tasks/{name}.yml")
    raw = path.read_bytes()
    try:
        task = Task.model_validate(yaml.safe_load(raw))
    except (ValidationError, yaml.YAMLError) as error:
        raise TaskBroken(f"ml/tasks/{path.name} cannot be used: {' '.join(str(error).splitlines()[:3])}") from None
    if task.split.validation_from >= task.split.test_from:
        raise TaskBroken(f"ml/tasks/{path.name}: split.validation_from must be before split.test_from")
    return DeclaredTask(task, hashlib.sha256(raw).hexdigest())
