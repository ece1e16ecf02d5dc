"""Describes a trained model in its manifest: what it learnt from, how it was divided, how well it predicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ml.checking.code_version import code_version
from ml.checking.training_rows import TrainingRows
from ml.drift.reference import Scored, describe_reference
from ml.learning.comparison import Comparison
from ml.learning.labels import Classes
from ml.members import CATEGORY, NUMBER
from ml.reading.frame import SET
from ml.registry.model_bytes import versions
from ml.task import DeclaredTask, Task
from waybill.identifiers import uuid7


def describe_model(
    declared: DeclaredTask, training_rows: TrainingRows, comparison: Comparison, rows: Any
) -> dict[str, Any]:
    """Return the manifest of the selected candidate, refitted on train and validation.

    Its own figures (`metrics`, `curves`, `each_class`, `slices`) are those on test. Each of `candidates` has the
    figures on validation and test as it was fitted on train; `differences` are the selected one's minus the others'.
    """
    task, classes = declared.task, comparison.classes
    return {
        "model_id": str(uuid7()),
        "task": task.task,
        "task_digest": declared.digest,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": classes.kind,
        "chosen": comparison.selected,
        "recipe": {
            "candidate": comparison.selected,
            "parameters": comparison.candidates[comparison.selected]["parameters"],
        },
        **(_decision(task, comparison) if classes.is_binary else {}),
        "features": task.features,
        "feature_types": {**dict.fromkeys(task.categorical, CATEGORY), **dict.fromkeys(task.numeric, NUMBER)},
        "features_left_out": [name for name in task.features if name not in comparison.features],
        "label": task.label,
        **({"positive_label": task.positive_label} if classes.is_binary else {}),
        "classes": classes.values,
        "class_balance": _class_balance(task, classes),
        "classes_left_out": classes.left_out,
        "split": {"kind": task.split.kind, **task.split.model_dump(mode="json", exclude_none=True)},
        "rows": _count_rows(task, comparison, rows),
        "key": task.key,
        "training_digest": training_rows.digest,
        "batches": training_rows.batches,
        "batch_digests": training_rows.batch_digests,
        "code": code_version(),
        "seeds": {"task": task.seed, "bootstrap": task.seed},
        "versions": versions(),
        "learnt_from": "train+validation",
        "metrics": comparison.metrics,
        "candidates": comparison.candidates,
        "differences": comparison.differences,
        "blocks": comparison.blocks,
        "slices": comparison.slices,
        "importance": comparison.importance,
        "curves": comparison.curves,
        "each_class": dict(zip(classes.values, comparison.each_class, strict=False)),
        "reference": describe_reference(task, rows, _scored(comparison)),
    }


def _decision(task: Task, comparison: Comparison) -> dict[str, Any]:
    """Return the threshold, and the cost that it was chosen for; None if the task declares no cost."""
    return {"threshold": comparison.threshold, "cost": task.cost.model_dump() if task.cost else None}


def _scored(comparison: Comparison) -> Scored:
    """Return the refitted model, and what its recipe had predicted for validation before it learnt from that set."""

    def predict(rows: Any) -> Any:
        return comparison.pipeline.predict_proba(rows[comparison.features])

    before = comparison.evaluation.validation.probabilities
    return Scored(comparison.features, predict, comparison.classes.values, before)


def _class_balance(task: Task, classes: Classes) -> dict[str, dict[str, Any]]:
    """Return for each class its share of the labelled rows and its rows in each set, the positive class by its name."""
    names = {value: value for value in classes.values}
    if classes.is_binary and classes.values == ["false", "true"]:
        names = {"false": f"not {task.positive_label}", "true": task.positive_label}
    all_rows = sum(sum(of_sets.values()) for of_sets in classes.rows.values())
    return {
        names[value]: {"share": round(sum(of_sets.values()) / all_rows, 4), **of_sets}
        for value, of_sets in classes.rows.items()
    }


def _count_rows(task: Task, comparison: Comparison, rows: Any) -> dict[str, int]:
    """Return the number of rows: all, without a label, learnt from, and labelled ones of each set.

    Rows of classes that are left out count as unlabelled; labelled rows without a time are in no set.
    """
    of_left_out = int(rows[task.label].isin(list(comparison.classes.left_out)).sum())
    counts = {
        "all": len(rows),
        "unlabelled": int(rows[task.label].isna().sum()) + of_left_out,
        "learnt_from": comparison.set_rows["train"] + comparison.set_rows["validation"],
        **comparison.set_rows,
    }
    without_time = int((rows[task.label].notna() & (rows[SET] < 0)).sum())
    return {**counts, "without_time": without_time} if without_time else counts
