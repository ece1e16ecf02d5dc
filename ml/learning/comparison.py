"""Compares the candidates of a task: fits them on train, selects on validation, refits the best one for test."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ml.learning.blend import Blend, combine
from ml.learning.candidates import make_pipeline, parameters_of
from ml.learning.divided import MEASURED, Divided, divide
from ml.learning.fitting import Fitted, fit_candidate
from ml.learning.labels import Classes
from ml.learning.workers import MAX_THREADS, run_fits
from ml.measuring.curves import curves
from ml.measuring.importance import Sampled, measure_importance
from ml.measuring.measured import Measured, measure_with_intervals
from ml.measuring.metrics import measure_each_class
from ml.measuring.parts import find_parts
from ml.measuring.slices import measure_slices
from ml.measuring.threshold import EVEN, choose_threshold, cost_curve
from ml.registry.evaluation import Evaluation
from ml.task import BLEND, DEFAULT_THRESHOLD, Task

SELECTED_BY = "roc_auc"  # on validation; of several classes the mean of each one against the rest
SLOWEST = ("hist_gradient_boosting", "random_forest", "logistic_regression", "dummy")  # is fitted first


@dataclass(frozen=True)
class Comparison:
    """What training found: classes, figures of all candidates, and the selected one refitted on train and validation.

    `candidates` has each one's seconds, rows and figures on validation and test as it was fitted on train; `metrics`
    are the refitted model's on test, and so are `curves` (two classes), `each_class` (more) and `slices`. Threshold,
    cost curve and importance come from validation. `features` are those that it learnt from: one without a value in
    training is left out. `evaluation` is what the registry keeps to compare models on identical rows.
    """

    classes: Classes
    features: list[str]
    set_rows: dict[str, int]
    selected: str
    pipeline: Any
    threshold: float | None
    candidates: dict[str, dict[str, Any]]
    metrics: dict[str, Any]
    differences: dict[str, dict[str, Any]]
    blocks: dict[str, Any]
    curves: dict[str, list[list[float]]]
    each_class: list[dict[str, float]]
    slices: list[dict[str, Any]]
    importance: list[dict[str, Any]]
    evaluation: Evaluation


@dataclass(frozen=True)
class _Candidate:
    """A fitted candidate with its threshold and what it reached on each set."""

    fitted: Fitted
    threshold: float
    measured: dict[str, Measured]

    def as_json(self, task: Task) -> dict[str, Any]:
        return {
            "seconds": round(self.fitted.seconds, 1),
            "has_converged": self.fitted.has_converged,
            "parameters": parameters_of(self.fitted.name, task),
            "rows": self.fitted.rows,
            **{name: measured.as_json() for name, measured in self.measured.items()},
        }


def compare_candidates(task: Task, frame: Any) -> Comparison:
    """Fit every candidate on the training set, select the best on validation, refit it and measure it once on test.

    1. Fit all, 2. measure them on validation and test, 3. select, 4. refit on train and validation; meanwhile, measure
    importance with the one that was fitted on train, 5. measure the refitted one.

    Raises:
        TaskBroken, NothingToLearn: the label, a set or a candidate cannot be used.
        WorkersUnusable: the Dask cluster cannot be used.
    """
    divided = divide(task, frame)
    for name in _slowest_first(divided.task):
        make_pipeline(name, divided.task)  # which refuses a candidate before any is fitted
    with _quietly_on_one_thread():
        fitted = _fit_all(divided)  # 1.
        found = {name: _measure(divided, one) for name, one in fitted.items()}  # 2.
        best = max(found, key=lambda name: found[name].measured["validation"].figures[SELECTED_BY])  # 3.
        refitted, importance = _refit(divided, fitted[best])  # 4.
        return _describe(divided, found, best, refitted, importance)  # 5.


@contextmanager
def _quietly_on_one_thread() -> Iterator[None]:
    """Limit linear algebra to one thread, for the same figures each time, and leave convergence to the result."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(MAX_THREADS), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _fit_all(divided: Divided) -> dict[str, Fitted]:
    """Return the candidates in the task's order, each with its probabilities of validation and test."""
    task = divided.task
    learning = divided.learning(("train",), predicted=MEASURED)
    fitted = {one.name: one for one in run_fits(fit_candidate, zip(_slowest_first(task)), shared=[learning])}
    if BLEND in task.compared:
        fitted[BLEND] = _blend(task, fitted)
    return {name: fitted[name] for name in task.compared}


def _slowest_first(task: Task) -> list[str]:
    names = [name for name in task.compared if name != BLEND]
    return sorted(names, key=lambda name: SLOWEST.index(name) if name in SLOWEST else -1)


def _blend(task: Task, fitted: dict[str, Fitted]) -> Fitted:
    """Return the blend of fitted candidates; its seconds are theirs, which it shares."""
    weights = task.compared[BLEND]
    parts = {name: fitted[name] for name in weights}
    return Fitted(
        name=BLEND,
        pipeline=Blend({name: part.pipeline for name, part in parts.items()}, weights),
        seconds=sum(part.seconds for part in parts.values()),
        rows=max(part.rows for part in parts.values()),
        has_converged=all(part.has_converged for part in parts.values()),
        probabilities={
            name: combine([part.probabilities[name] for part in parts.values()], list(weights.values()))
            for name in next(iter(parts.values())).probabilities
        },
    )


def _measure(divided: Divided, fitted: Fitted) -> _Candidate:
    threshold = _threshold(divided, fitted)
    measured = {
        name: measure_with_intervals(divided.predicted(name, fitted.probabilities[name]), threshold)
        for name in MEASURED
    }
    return _Candidate(fitted, threshold, measured)


def _threshold(divided: Divided, fitted: Fitted) -> float:
    """Return the task's threshold, or the one that costs least on validation."""
    task = divided.task
    if task.cost is None or not divided.classes.is_binary:
        return task.threshold or DEFAULT_THRESHOLD
    return choose_threshold(divided.sets["validation"].labels, fitted.probabilities["validation"][:, 1], task.cost)


def _refit(divided: Divided, best: Fitted) -> tuple[Fitted, list[dict[str, Any]]]:
    """Return the selected candidate fitted on train and validation, and the importance of its features."""
    task, validation = divided.task, divided.sets["validation"]
    names = [
        name for name in _slowest_first(task) if name in (task.compared[BLEND] if best.name == BLEND else [best.name])
    ]
    learning = divided.learning(("train", "validation"), predicted=("test",))
    sampled = Sampled(best.pipeline, validation.rows, validation.labels, divided.blocks["validation"])
    with ThreadPoolExecutor(max_workers=1) as beside:
        importance = beside.submit(measure_importance, task, sampled)
        parts = {one.name: one for one in run_fits(fit_candidate, zip(names), shared=[learning])}
        return _blend(task, parts) if best.name == BLEND else parts[best.name], importance.result()


def _describe(
    divided: Divided, found: dict[str, _Candidate], best: str, refitted: Fitted, importance: list[dict[str, Any]]
) -> Comparison:
    task, selected = divided.task, found[best]
    test = divided.predicted("test", refitted.probabilities["test"])
    measured = measure_with_intervals(test, selected.threshold)
    validation = selected.fitted.probabilities["validation"]
    days = divided.numbers[divided.sets["test"].rows.positions]
    return Comparison(
        classes=divided.classes,
        features=task.features,
        set_rows={name: len(one.labels) for name, one in divided.sets.items()},
        selected=best,
        pipeline=refitted.pipeline,
        threshold=selected.threshold if divided.classes.is_binary else None,
        candidates={name: one.as_json(task) for name, one in found.items()},
        metrics=measured.as_json(),
        differences=_differences(found, best),
        blocks={"unit": task.split.block, **{name: divided.blocks[name].found for name in MEASURED}},
        curves=_curves(divided, validation, test) if divided.classes.is_binary else {},
        each_class=[] if divided.classes.is_binary else measure_each_class(test.labels, test.probabilities),
        slices=measure_slices(test, find_parts(task, divided.sets["test"].rows, days), measured.figures[SELECTED_BY]),
        importance=importance,
        evaluation=_evaluation(divided, validation, test.probabilities),
    )


def _differences(found: dict[str, _Candidate], best: str) -> dict[str, dict[str, Any]]:
    """Return set → candidate → metric → the selected candidate's figure minus the candidate's."""
    return {
        name: {
            other: found[best].measured[name].minus(one.measured[name]) for other, one in found.items() if other != best
        }
        for name in MEASURED
    }


def _curves(divided: Divided, validation: Any, test: Any) -> dict[str, list[list[float]]]:
    cost = divided.task.cost or EVEN
    return {
        **curves(test.labels, test.probabilities[:, 1].astype("float64"), test.blocks),
        "cost": cost_curve(divided.sets["validation"].labels, validation[:, 1], cost),
    }


def _evaluation(divided: Divided, validation: Any, test: Any) -> Evaluation:
    import numpy as np

    labelled = np.concatenate([divided.hashes(name) for name in divided.sets])
    return Evaluation(divided.evaluated("validation", validation), divided.evaluated("test", test), np.sort(labelled))
