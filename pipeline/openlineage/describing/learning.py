"""Describes training and scoring: the mart, the model with its id as version, and the predictions."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ml.errors import ModelError
from ml.registry.folders import task_folder
from ml.registry.history import current_id
from ml.task import Task, read_task
from pipeline.openlineage.datasets import Described, file, table
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader


def describe_train(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the mart, with the hash of the training rows as its version, and the folder of the task's models."""
    name = change.begun.work.name
    manifest: dict[str, Any] = getattr(change.begun.work.found.get("result"), "manifest", {})
    learnt_from = manifest.get("rows", {}).get("learnt_from")
    inputs = [
        table(reader, "marts", task.table, version=manifest.get("training_digest")).as_input(rows=learnt_from)
        for task in _tasks(name)
    ]
    return Described(inputs, [file(task_folder(name), version=manifest.get("model_id")).as_output()])


def describe_score(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the mart, the model that predicted, and the table of predictions with the rows that were written."""
    name = change.begun.work.name
    written: dict[str, int] = getattr(change.begun.work.found.get("result"), "written", {})
    inputs = [table(reader, "marts", task.table).as_input() for task in _tasks(name)]
    rows = None
    if change.state == "COMPLETE":
        rows = sum(written.values())
        for model_id in written or filter(None, [current_id(name)]):
            inputs.append(file(task_folder(name), version=model_id).as_input())
    return Described(inputs, [table(reader, "predictions", f"{name}_by_model").as_output(rows=rows)])


def _tasks(name: str) -> list[Task]:
    """Return the declaration of a task; none if it cannot be read."""
    with suppress(ModelError):
        return [read_task(name).task]
    return []
