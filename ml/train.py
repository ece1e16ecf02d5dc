"""`python -m ml.train`: fit the candidates, choose one on validation, report all once on test, save the chosen one."""

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
from ml.errors import NothingToLearn
from ml.metrics import curves, measure
from ml.rows import TrainingRows, read_rows, training_rows
from ml.task import DeclaredTask, Task, read_task
from waybill.cli import run
from waybill.identifiers import uuid7
from waybill.settings import get_settings

THREADS = 1  # a second thread on a shared machine costs boosting more than it gives
SHOWN = ("roc_auc", "pr_auc", "brier")


@dataclass(frozen=True)
class Trained:
    """What training did: rows learnt from, one line for a person, and the manifest."""

    rows: int
    summary: str
    manifest: dict[str, Any]


def train(task: str = "flight_delays", *, force: bool = False) -> Trained:
    """Train and save a model, unless the current one learnt from the same rows, task and versions.

    Raises:
        TaskBroken, NothingToLearn: see `ml.errors`; the current model stays as it was.
    """
    declared = read_task(task)
    learnt_from = training_rows(declared.task)
    manifest = current_manifest(task)
    if manifest and not force and _is_same(manifest, declared, learnt_from):
        return Trained(0, f"nothing new: {manifest['model_id']} learnt from the same rows", manifest)
    frame = read_rows(declared.task)
    chosen, pipeline, results, drawn = _compare(declared.task, frame)
    manifest = _manifest(declared, learnt_from, (chosen, results), frame)
    manifest["curves"] = drawn
    save(task, pipeline, manifest)
    test = results[chosen]["test"]
    summary = f"{chosen} of {len(results)}: test " + ", ".join(f"{name} {test[name]:.3f}" for name in SHOWN)
    return Trained(learnt_from.rows, summary, manifest)


def _is_same(manifest: dict[str, Any], declared: DeclaredTask, learnt_from: TrainingRows) -> bool:
    mine = (manifest["task_digest"], manifest["training_digest"], manifest["versions"])
    return mine == (declared.digest, learnt_from.digest, versions())


def _parts(task: Task, frame: Any) -> dict[str, Any]:
    import pandas as pd

    labelled = frame[frame[task.label].notna()]
    validation, test = pd.Timestamp(task.split.validation_from), pd.Timestamp(task.split.test_from)
    at = labelled[task.time_column]
    parts = {
        "train": labelled[at < validation],
        "validation": labelled[(at >= validation) & (at < test)],
        "test": labelled[at >= test],
    }
    for name, part in parts.items():
        if part[task.label].nunique() < 2:
            raise NothingToLearn(
                f"task {task.task}: the {name} part has {len(part)} labelled rows and not both answers"
            )
    return parts


def _compare(task: Task, frame: Any) -> tuple[str, Any, dict[str, dict[str, Any]], dict[str, list[list[float]]]]:
    """Return the chosen candidate's name, its fitted pipeline, the figures of all, and its curves on the test part."""
    from threadpoolctl import threadpool_limits

    parts = _parts(task, frame)
    results: dict[str, dict[str, Any]] = {}
    fitted: dict[str, Any] = {}
    tested: dict[str, Any] = {}
    # made before the limit, which holds for no library that is loaded after it
    candidates = {name: make_pipeline(name, task) for name in task.candidates}
    with threadpool_limits(THREADS):
        for name, candidate in candidates.items():
            started = time.monotonic()
            pipeline = candidate.fit(parts["train"][task.features], parts["train"][task.label])
            results[name] = {"seconds": round(time.monotonic() - started, 1)}
            for part in ("validation", "test"):
                probability = pipeline.predict_proba(parts[part][task.features])[:, 1]
                results[name][part] = measure(parts[part][task.label].to_numpy(), probability, task.threshold)
            fitted[name], tested[name] = pipeline, probability  # the last part's, which is the test
    chosen = max(results, key=lambda name: results[name]["validation"]["roc_auc"])
    return chosen, fitted[chosen], results, curves(parts["test"][task.label].to_numpy(), tested[chosen])


def _manifest(
    declared: DeclaredTask, learnt_from: TrainingRows, outcome: tuple[str, dict[str, dict[str, Any]]], frame: Any
) -> dict[str, Any]:
    task, (chosen, results) = declared.task, outcome
    return {
        "model_id": str(uuid7()),
        "task": task.task,
        "task_digest": declared.digest,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "chosen": chosen,
        "threshold": task.threshold,
        "features": task.features,
        "label": task.label,
        "split": task.split.model_dump(mode="json"),
        "rows": {"all": len(frame), "unlabelled": int(frame[task.label].isna().sum()), "learnt_from": learnt_from.rows},
        "training_digest": learnt_from.digest,
        "batches": learnt_from.batches,
        "versions": versions(),
        "metrics": results[chosen]["test"],
        "candidates": results,
    }


@click.command(help="Example: python -m ml.train\n\nTrain the task's candidates and save the best one.")
@click.option("--task", help="A task of ml/tasks; the one that WAYBILL_TASK names by default.")
@click.option("--force", is_flag=True, help="Train again although nothing changed.")
def main(task: str | None, force: bool) -> None:
    """Train, then show every candidate's figures."""
    trained = train(task or get_settings().waybill_task, force=force)
    click.echo(trained.summary)
    click.echo(f"{'candidate':<24} {'seconds':>7} {'ROC AUC':>8} {'PR-AUC':>7} {'Brier':>7} {'ECE':>7}   (test)")
    for name, result in trained.manifest["candidates"].items():
        test = result["test"]
        figures = f"{test['roc_auc']:>8.4f} {test['pr_auc']:>7.4f} {test['brier']:>7.4f} {test['ece']:>7.4f}"
        click.echo(f"{name:<24} {result['seconds']:>7.1f} {figures}")
    rows = trained.manifest["rows"]
    click.echo(f"{rows['unlabelled']:,} of {rows['all']:,} rows have no label (cancelled or diverted) and are left out")


if __name__ == "__main__":
    run(main, "python -m ml.train")
