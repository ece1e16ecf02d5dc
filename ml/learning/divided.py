"""The labelled rows of a task in their sets, as the candidates learn from them and are measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.encoding.frame_rows import FrameRows
from ml.errors import TaskBroken
from ml.learning.fitting import LabelledSet, Learning
from ml.learning.labels import Classes, find_classes
from ml.measuring.bootstrap import Blocks, make_blocks
from ml.measuring.predicted import Predicted
from ml.reading.frame import BLOCK, SET
from ml.registry.evaluation import EvaluatedRows, hash_keys
from ml.sets import SETS
from ml.task import Task

MEASURED = ("validation", "test")


@dataclass(frozen=True)
class Divided:
    """A task with the features that have a value in training, the label's classes, and each set's rows.

    `numbers` are the day, group or row of each row of the frame, and `blocks` what the bootstrap makes of them in each
    set that is measured.
    """

    task: Task
    classes: Classes
    sets: dict[str, LabelledSet]
    numbers: Any
    blocks: dict[str, Blocks]

    def learning(self, learnt_from: tuple[str, ...], *, predicted: tuple[str, ...]) -> Learning:
        """Return what candidates need to learn from one set or two, and to predict others."""
        first, *others = (self.sets[name] for name in learnt_from)
        train = first.joined(*others) if others else first
        return Learning(self.task, len(self.classes.values), train, {name: self.sets[name].rows for name in predicted})

    def predicted(self, name: str, probabilities: Any) -> Predicted:
        """Return a set's rows with what a model predicted for them."""
        return Predicted(self.sets[name].labels, probabilities, self.blocks[name])

    def evaluated(self, name: str, probabilities: Any) -> EvaluatedRows:
        """Return a set's rows, without their keys, with what a model predicted for them."""
        rows = self.sets[name].rows
        found = probabilities[:, 1] if self.classes.is_binary else probabilities
        return EvaluatedRows(self.hashes(name), self.sets[name].labels, self.numbers[rows.positions], found)

    def hashes(self, name: str) -> Any:
        """Return the hashes of the keys of a set's rows."""
        rows = self.sets[name].rows
        return hash_keys(rows.frame[self.task.key].iloc[rows.positions])


def divide(task: Task, frame: Any) -> Divided:
    """Divide the labelled rows of a frame.

    Raises:
        TaskBroken, NothingToLearn: the label, a set or all features cannot be used.
    """
    import numpy as np

    classes = find_classes(task, frame)
    labels = classes.encode(FrameRows(frame), task.label)
    set_of_rows = frame[SET].to_numpy()
    sets = {}
    for number, name in enumerate(SETS):
        positions = np.flatnonzero((set_of_rows == number) & (labels >= 0)).astype("int32")
        sets[name] = LabelledSet(FrameRows(frame, positions), labels[positions])
    numbers = frame[BLOCK].to_numpy()
    blocks = {name: make_blocks(numbers[sets[name].rows.positions], task.split.block, task.seed) for name in MEASURED}
    return Divided(_without_empty_features(task, sets["train"].rows), classes, sets, numbers, blocks)


def _without_empty_features(task: Task, rows: FrameRows) -> Task:
    """Return the task without the features that have no value in the rows.

    Raises:
        TaskBroken: no feature is left.
    """
    import numpy as np

    empty = {name for name in task.categorical if (rows.categories(name)[0] < 0).all()}
    empty |= {name for name in task.numeric if np.isnan(rows.numbers(name)).all()}
    if len(empty) == len(task.features):
        raise TaskBroken(
            f"task {task.task}: no feature has a value in the training rows: name others in ml/tasks/{task.task}.yml"
        )
    left = {kind: [name for name in getattr(task, kind) if name not in empty] for kind in ("categorical", "numeric")}
    return task.model_copy(update=left)
