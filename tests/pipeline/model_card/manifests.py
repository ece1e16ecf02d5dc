"""Manifests of models as training writes them: of two classes, of several, and of an older version."""

from __future__ import annotations

from typing import Any

ENDS = {"roc_auc": [0.75, 0.81], "pr_auc": [0.57, 0.63], "brier": [0.14, 0.16], "precision": [0.66, 0.74]}
BINARY_FIGURES: dict[str, Any] = {
    "roc_auc": 0.78,
    "pr_auc": 0.6,
    "brier": 0.15,
    "ece": 0.01,
    "precision": 0.7,
    "recall": 0.4,
    "intervals": ENDS,
}
DUMMY = {"roc_auc": 0.5, "pr_auc": 0.25, "brier": 0.19, "ece": 0.0, "intervals": {}}
SETS = {"train": 6000, "validation": 2000, "test": 2000}


def _candidate(figures: dict[str, Any], shift: float = 0.0, **others: Any) -> dict[str, Any]:
    measured = {**figures, "roc_auc": figures["roc_auc"] - shift}
    return {"seconds": 1.5, "has_converged": True, "rows": 6000, "validation": measured, "test": measured, **others}


def _difference(value: float, half: float) -> dict[str, dict[str, float]]:
    return {"roc_auc": {"difference": value, "low": value - half, "high": value + half}}


BINARY: dict[str, Any] = {
    "model_id": "01a22498-0000-7000-8000-000000000001",
    "task": "returns",
    "task_digest": "d" * 64,
    "trained_at": "2024-05-01T06:00:00+00:00",
    "kind": "binary",
    "chosen": "hist_gradient_boosting",
    "threshold": 0.25,
    "cost": {"false_positive": 1, "false_negative": 3},
    "recipe": {"candidate": "hist_gradient_boosting", "parameters": {"max_iter": 150}},
    "learnt_from": "train+validation",
    "features": ["shop", "price", "quantity", "empty"],
    "feature_types": {"shop": "category", "price": "number", "quantity": "number", "empty": "number"},
    "features_left_out": ["empty"],
    "label": "is_returned",
    "positive_label": "returned",
    "classes": ["false", "true"],
    "class_balance": {
        "not returned": {"share": 0.75, "train": 4500, "validation": 1700, "test": 1480},
        "returned": {"share": 0.25, "train": 1500, "validation": 300, "test": 520},
    },
    "classes_left_out": {},
    "split": {
        "kind": "time",
        "time_column": "ordered_at",
        "validation_from": "2024-03-01",
        "test_from": "2024-04-01",
    },
    "rows": {"all": 10_500, "unlabelled": 500, "learnt_from": 8000, **SETS},
    "blocks": {"unit": "day", "validation": 31, "test": 12},
    "metrics": {**BINARY_FIGURES, "rows": 2000, "base_rate": 0.26},
    "candidates": {
        "dummy": {**_candidate(DUMMY), "seconds": 0.1},
        "logistic_regression": _candidate(BINARY_FIGURES, 0.02, has_converged=False),
        "random_forest": _candidate(BINARY_FIGURES, 0.01, rows=3000),
        "hist_gradient_boosting": _candidate(BINARY_FIGURES),
    },
    "differences": {
        part: {
            "dummy": _difference(0.28, 0.03),
            "logistic_regression": _difference(0.02, 0.01),
            "random_forest": _difference(0.01, 0.02),
        }
        for part in ("validation", "test")
    },
    "curves": {
        "roc": [[0, 0], [0.2, 0.6], [1, 1]],
        "precision_recall": [[0, 1], [0.5, 0.7], [1, 0.25]],
        "calibration": [[0.1, 0.12, 900, 0.1, 0.14], [0.5, 0.48, 300, 0.4, 0.56], [0.9, 0.85, 50, 0.7, 0.95]],
        "cost": [[0.0, 0.75], [0.25, 0.41], [0.5, 0.53], [1.0, 0.78]],
    },
    "importance": [
        {"name": "what was bought", "features": ["price", "quantity"], "drop": 0.1, "low": 0.08, "high": 0.12},
        {"name": "shop", "features": ["shop"], "drop": -0.001, "low": -0.003, "high": 0.001},
    ],
    "slices": [
        {
            "name": "month",
            "column": "ordered_at",
            "value": "2024-04",
            "rows": 1200,
            "base_rate": 0.26,
            "roc_auc": 0.78,
            "brier": 0.15,
            "intervals": {"roc_auc": [0.74, 0.82]},
            "is_weak": False,
            "why": "",
        },
        {
            "name": "shop",
            "column": "shop",
            "value": "<NE>",
            "rows": 300,
            "base_rate": 0.4,
            "roc_auc": 0.6,
            "brier": 0.2,
            "intervals": {"roc_auc": [0.55, 0.65]},
            "is_weak": True,
            "why": "ROC AUC 0.60 is clearly below 0.78",
        },
        {
            "name": "shop",
            "column": "shop",
            "value": "SW",
            "rows": 3,
            "base_rate": 0.0,
            "roc_auc": None,
            "brier": 0.1,
            "gap": -0.1,
            "intervals": {"roc_auc": None, "brier": None, "gap": None},
            "is_weak": False,
            "why": "fewer than 100 rows",
        },
    ],
    "each_class": {},
    "code": {"tree": "f" * 40, "is_changed": True},
    "seeds": {"task": 1, "bootstrap": 1},
    "versions": {"python": "3.11.2", "scikit-learn": "1.9.0"},
    "training_digest": "e" * 64,
    "batches": {"b-1": "orders: orders.ndjson"},
    "batch_digests": {"b-1": {"rows": 8000, "digest": "c" * 32}},
}
CLASS_FIGURES = {"roc_auc": 0.8, "macro_f1": 0.6, "balanced_accuracy": 0.55, "log_loss": 0.9, "accuracy": 0.7}
CHANNELS = ("web", "phone", "shop")
SEVERAL: dict[str, Any] = {
    **{name: BINARY[name] for name in ("trained_at", "versions", "training_digest", "batches", "importance", "seeds")},
    "model_id": "01a22498-0000-7000-8000-000000000002",
    "task": "channels",
    "kind": "multi-class",
    "chosen": "logistic_regression",
    "features": ["shop", "price"],
    "label": "channel",
    "classes": list(CHANNELS),
    "class_balance": {
        name: {"share": 0.33, "train": 60, "validation": 20, "test": 20} for name in ("phone", "shop", "web")
    },
    "classes_left_out": {"fax": "1 row in train"},
    "split": {"kind": "random"},
    "rows": {"all": 330, "unlabelled": 30, "learnt_from": 240, "train": 180, "validation": 60, "test": 60},
    "blocks": {"unit": "row", "validation": 60, "test": 60},
    "metrics": {**CLASS_FIGURES, "rows": 60, "intervals": {"roc_auc": [0.45, 0.95]}},
    "candidates": {"logistic_regression": {"seconds": 0.1, "validation": CLASS_FIGURES, "test": CLASS_FIGURES}},
    "curves": {},
    "each_class": {name: {"precision": 0.5, "recall": 0.25, "roc_auc": 0.75} for name in CHANNELS},
}
OLD: dict[str, Any] = {  # of the first version: no kind, classes, curves or intervals
    "model_id": "01a22498-0000-7000-8000-000000000003",
    "task": "closings",
    "trained_at": "2023-05-01T06:00:00+00:00",
    "chosen": "random_forest",
    "features": ["shop", "price"],
    "split": {"validation_from": "2023-01-01", "test_from": "2023-02-01"},
    "rows": {"learnt_from": 80},
    "metrics": {"roc_auc": 0.7, "pr_auc": 0.4, "rows": 20},
    "candidates": {"random_forest": {"test": {"roc_auc": 0.7, "pr_auc": 0.4}}},
}
OLDEST: dict[str, Any] = {"model_id": "m-1", "metrics": {"roc_auc": 0.7}}
