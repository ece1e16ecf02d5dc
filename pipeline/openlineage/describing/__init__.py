"""Says for each kind of work which datasets it reads and writes, without any value of a row."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.openlineage.datasets import Described
from pipeline.openlineage.describing.checks import describe_checkpoint
from pipeline.openlineage.describing.exports import describe_export
from pipeline.openlineage.describing.learning import describe_score, describe_train
from pipeline.openlineage.describing.loads import describe_consume, describe_load
from pipeline.openlineage.describing.models import describe_model, describe_test
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader

DESCRIBE: dict[str, Callable[[StateChange, WarehouseReader], Described]] = {
    "load": describe_load,
    "consume": describe_consume,
    "checkpoint": describe_checkpoint,
    "model": describe_model,
    "test": describe_test,
    "train": describe_train,
    "score": describe_score,
    "export": describe_export,
}
