"""`python -m ml.train`: fit the candidates, select one on validation, measure all once on test, save the selected."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from ml.artefact import current_manifest, save, versions
from ml.candidates import make_pipeline
from ml.errors import NothingToLearn, TaskBroken
from ml.metrics import curves, measure
from ml.rows import TrainingRows, hash_training_rows, read_rows
from ml.task import DeclaredTask, Task, chosen_task, read_task
from warehouse.work_lock import working
from waybill.cli import run
from waybill.identifiers import uuid7
from waybill.text import counted

MAX_THREADS = 1  # on a shared machine a second thread makes boosting slower
SUMMARY_METRICS = ("roc_auc", "pr_auc", "brier")


@dataclass(frozen=True)
class TrainingResult:
    """What training did: the number of rows learnt from, one line for the user, and the manifest."""

    rows: int
    summary: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The metrics of all candidates; of the selected one also its fitted pipeline and its curves on the test set."""

    selected: str
    pipeline: Any
    metrics: dict[str, dict[str, Any]]
    curves: dict[str, list[list[float]]]


def train(task: str, *, force: bool = False) -> TrainingResult:
    """Train and save a model, unless the current one learnt from the same rows, declaration and library versions.

    Raises:
        TaskBroken, NothingToLearn: see `ml.errors`; the current model stays.
    """
    declared = read_task(task)
    training_rows = hash_training_rows(declared.task)
    manifest = current_manifest(task)
    if manifest and not force and _is_up_to_date(manifest, declared, training_rows):
        return TrainingResult(0, f"nothing new: {manifest['model_id']} learnt from the same rows", manifest)
    rows = read_rows(declared.task)
    comparison = compare_candidates(declared.task, rows)
    manifest = _describe_model(declared, training_rows, comparison, rows)
    save(task, comparison.pipeline, manifest)
    test = manifest["metrics"]
    summary = f"{comparison.selected} of {len(comparison.metrics)}: test " + ", ".join(
        f"{name} {test[name]:.3f}" for name in SUMMARY_METRICS
    )
    return TrainingResult(training_rows.rows, summary, manifest)


def _is_up_to_date(manifest: dict[str, Any], declared: DeclaredTask, training_rows: TrainingRows) -> bool:
    trained_with = (manifest["task_digest"], manifest["training_digest"], manifest["versions"])
    return trained_with == (declared.digest, training_rows.digest, versions())


def split_by_time(task: Task, rows: Any) -> dict[str, Any]:
    """Split the labelled rows by time into the sets train, validation and test.

    Raises:
        NothingToLearn: a set lacks one of the two labels.
    """
    import pandas as pd

    labelled = rows[rows[task.label].notna()]
    validation, test = pd.Timestamp(task.split.validation_from), pd.Timestamp(task.split.test_from)
    time_column = labelled[task.time_column]
    sets = {
        "train": labelled[time_column < validation],
        "validation": labelled[(time_column >= validation) & (time_column < test)],
        "test": labelled[time_column >= test],
    }
    for name, rows_in_set in sets.items():
        number, positive = len(rows_in_set), int(rows_in_set[task.label].sum())
        if positive in (0, number):
            which = f", and the label of {'all' if positive else 'none'} of them is true" if number else ""
            raise NothingToLearn(
                f"task {task.task}: the {name} set has {counted(number, 'labelled row')}{which}:"
                f" load more data, or change `split` in ml/tasks/{task.task}.yml"
            )
    return sets


def compare_candidates(task: Task, rows: Any) -> Comparison:
    """Fit every candidate on the training set, measure it on validation and test, and select the best on validation."""
    from threadpoolctl import threadpool_limits

    sets = split_by_time(task, rows)
    metrics: dict[str, dict[str, Any]] = {}
    pipelines: dict[str, Any] = {}
    test_probabilities: dict[str, Any] = {}
    # Made before the limit is set: it does not hold for a library that is loaded later.
    candidates = {name: make_pipeline(name, task) for name in task.candidates}
    with threadpool_limits(MAX_THREADS):
        for name, candidate in candidates.items():
            started = time.monotonic()
            pipelines[name] = _fit(candidate, sets["train"], task, name)
            metrics[name] = {"seconds": round(time.monotonic() - started, 1)}
            for split in ("validation", "test"):
                probabilities = pipelines[name].predict_proba(sets[split][task.features])[:, 1]
                metrics[name][split] = measure(sets[split][task.label].to_numpy(), probabilities, task.threshold)
            test_probabilities[name] = probabilities  # the test set comes last
    selected = max(metrics, key=lambda name: metrics[name]["validation"]["roc_auc"])
    test_curves = curves(sets["test"][task.label].to_numpy(), test_probabilities[selected])
    return Comparison(selected, pipelines[selected], metrics, test_curves)


def _fit(candidate: Any, rows: Any, task: Task, name: str) -> Any:
    """Return the fitted candidate.

    Raises:
        TaskBroken: scikit-learn refuses the candidate's parameters or the rows.
    """
    try:
        return candidate.fit(rows[task.features], rows[task.label])
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise TaskBroken(
            f"task {task.task}: candidate {name} cannot be fitted: {reason}; correct it in ml/tasks/{task.task}.yml"
        ) from None


def _describe_model(
    declared: DeclaredTask, training_rows: TrainingRows, comparison: Comparison, rows: Any
) -> dict[str, Any]:
    """Return the manifest of the selected candidate."""
    task = declared.task
    unlabelled = int(rows[task.label].isna().sum())
    return {
        "model_id": str(uuid7()),
        "task": task.task,
        "task_digest": declared.digest,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "chosen": comparison.selected,
        "threshold": task.threshold,
        "features": task.features,
        "label": task.label,
        "positive_label": task.positive_label,
        "split": task.split.model_dump(mode="json"),
        "rows": {"all": len(rows), "unlabelled": unlabelled, "learnt_from": training_rows.rows},
        "training_digest": training_rows.digest,
        "batches": training_rows.batches,
        "versions": versions(),
        "metrics": comparison.metrics[comparison.selected]["test"],
        "candidates": comparison.metrics,
        "curves": comparison.curves,
    }


@click.command(help="Example: python -m ml.train\n\nTrain the candidates of a task and save the best one as a model.")
@click.option("--task", help="A task of ml/tasks. Default: WAYBILL_TASK, else the default task.")
@click.option("--force", is_flag=True, help="Train again even if nothing changed.")
def main(task: str | None, force: bool) -> None:
    """Train, then print every candidate's metrics."""
    name = chosen_task(task)
    with working("train"):
        trained = train(name, force=force)
    click.echo(trained.summary)
    click.echo(f"{'candidate':<24} {'seconds':>7} {'ROC AUC':>8} {'PR-AUC':>7} {'Brier':>7} {'ECE':>7}   (test)")
    for candidate, metrics in trained.manifest["candidates"].items():
        test = metrics["test"]
        figures = f"{test['roc_auc']:>8.4f} {test['pr_auc']:>7.4f} {test['brier']:>7.4f} {test['ece']:>7.4f}"
        click.echo(f"{candidate:<24} {metrics['seconds']:>7.1f} {figures}")
    rows, reason = trained.manifest["rows"], read_task(name).task.unlabelled
    because = f" ({reason})" if reason else ""
    click.echo(f"{rows['unlabelled']:,} of {rows['all']:,} rows have no label{because} and are left out")


if __name__ == "__main__":
    run(main, "python -m ml.train")
