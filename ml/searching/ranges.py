"""The parameters that a search tries: a range for each, and the trials drawn from them, the same for the same seed."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml.task import Task

MAX_REPEATS = 50  # drawn one after another; then a candidate counts as searched through


@dataclass(frozen=True)
class Range:
    """From where to where a parameter is drawn, evenly or, if `is_log`, evenly in its logarithm."""

    low: float
    high: float
    is_log: bool = False

    def draw(self, numbers: random.Random) -> float | int:
        """Return a value with two significant digits; a whole number if the range is of whole numbers."""
        if self.is_log:
            drawn = math.exp(numbers.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = numbers.uniform(self.low, self.high)
        shown = min(max(float(f"{drawn:.2g}"), self.low), self.high)
        return round(shown) if isinstance(self.low, int) else shown


# docs/tasks.md lists them. What is not named here keeps its declared value, or scikit-learn's.
RANGES: dict[str, dict[str, Range]] = {
    "logistic_regression": {"C": Range(0.001, 10.0, is_log=True)},
    "random_forest": {
        "min_samples_leaf": Range(2, 200, is_log=True),
        "max_features": Range(0.1, 0.8),
        "max_samples": Range(0.1, 0.9),
    },
    "hist_gradient_boosting": {
        "learning_rate": Range(0.02, 0.3, is_log=True),
        "max_iter": Range(50, 400, is_log=True),
        "max_leaf_nodes": Range(8, 128, is_log=True),
        "min_samples_leaf": Range(10, 500, is_log=True),
        "max_features": Range(0.1, 1.0),
        "l2_regularization": Range(0.001, 100.0, is_log=True),
    },
}


@dataclass(frozen=True)
class Draw:
    """A candidate with the parameters of one trial; `is_declared` if they are those of the declaration."""

    candidate: str
    parameters: dict[str, Any]
    is_declared: bool = False

    @property
    def identity(self) -> str:
        """A text that two draws share if and only if they are the same fit."""
        return json.dumps([self.candidate, self.parameters], sort_keys=True)


def searched_candidates(task: Task) -> list[str]:
    """Return the declared candidates that have ranges."""
    return [name for name in task.candidates if name in RANGES]


def draw_trials(task: Task) -> Iterator[Draw]:
    """Yield the trials of a task: each candidate as declared, then in turn one draw for each, none twice.

    The seed of the task and the name of the candidate decide, whatever else is declared and on every machine. It ends
    when no candidate has anything new.
    """
    names = searched_candidates(task)
    seen = set()
    for name in names:
        declared = Draw(name, dict(task.candidates[name]), is_declared=True)
        seen.add(declared.identity)
        yield declared
    numbers = {name: random.Random(f"{task.seed} {name}") for name in names}  # noqa: S311, a text: the same everywhere
    while names:
        for name in list(names):
            drawn = (_draw(task, name, numbers[name]) for _ in range(MAX_REPEATS))
            found = next((one for one in drawn if one.identity not in seen), None)
            if found is None:
                names.remove(name)
            else:
                seen.add(found.identity)
                yield found


def _draw(task: Task, name: str, numbers: random.Random) -> Draw:
    drawn = {parameter: of_parameter.draw(numbers) for parameter, of_parameter in RANGES[name].items()}
    return Draw(name, {**task.candidates[name], **drawn})
