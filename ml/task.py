"""A declared task: what is predicted, from which table and features, and how the rows are split by time."""

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
    """First days of validation and test; what is before is for training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    validation_from: date
    test_from: date


class Task(BaseModel):
    """One declared task; columns are those of a table in schema `marts`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(pattern=NAME)
    table: str = Field(pattern=NAME)
    key: str = Field(pattern=NAME)
    label: str = Field(pattern=NAME)
    time_column: str = Field(pattern=NAME)
    split: Split
    seed: int
    threshold: float = Field(gt=0, lt=1)
    categorical: list[str]
    numeric: list[str]
    candidates: dict[str, dict[str, Any]]

    @property
    def features(self) -> list[str]:
        """The features in their order."""
        return [*self.categorical, *self.numeric]

    @property
    def columns(self) -> list[str]:
        """Key, time, label and features."""
        return [self.key, self.time_column, self.label, *self.features]


@dataclass(frozen=True)
class DeclaredTask:
    """A task and the digest of its declaration."""

    task: Task
    digest: str


def read_task(name: str) -> DeclaredTask:
    """Read a declaration.

    Raises:
        TaskBroken: it is missing or cannot be used.
    """
    path = TASKS / f"{name}.yml"
    declared = sorted(file.stem for file in TASKS.glob("*.yml"))
    if name not in declared:
        raise TaskBroken(f"no task {name!r}: declared are {', '.join(declared)} (add {name}.yml to ml/tasks)")
    raw = path.read_bytes()
    try:
        task = Task.model_validate(yaml.safe_load(raw))
    except (ValidationError, yaml.YAMLError) as error:
        raise TaskBroken(f"ml/tasks/{path.name} cannot be used: {' '.join(str(error).splitlines()[:3])}") from None
    if task.split.validation_from >= task.split.test_from:
        raise TaskBroken(f"ml/tasks/{path.name}: split.validation_from must be before split.test_from")
    return DeclaredTask(task, hashlib.sha256(raw).hexdigest())
