"""Measures candidates: the metrics that compare them and the curves that the report draws."""

from __future__ import annotations

from typing import Any

BINS = 10
MAX_POINTS = 60  # of one curve


def measure(label: Any, probability: Any, threshold: float) -> dict[str, float]:
    """Return ROC AUC, average precision, Brier score, calibration error, and precision and recall at a threshold.

    The (expected) calibration error is the mean distance between forecast and frequency over ten bins of equal width,
    weighted by the number of rows (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    """
    import numpy as np
    from sklearn.metrics import average_precision_score, brier_score_loss, precision_score, recall_score, roc_auc_score

    predicted = probability >= threshold
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        abs(label[bins == one].mean() - probability[bins == one].mean()) * (bins == one).mean() for one in set(bins)
    ]
    figures = {
        "rows": len(label),
        "base_rate": label.mean(),
        "roc_auc": roc_auc_score(label, probability),
        "pr_auc": average_precision_score(label, probability),
        "brier": brier_score_loss(label, probability),
        "ece": sum(gaps),
        "precision": precision_score(label, predicted, zero_division=0),
        "recall": recall_score(label, predicted),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def curves(label: Any, probability: Any) -> dict[str, list[list[float]]]:
    """Return the curves that the report draws, each as a list of points.

    ROC: false and true positive rate; precision_recall: recall and precision; calibration: mean forecast, frequency
    and number of rows of each non-empty bin out of ten of equal width.
    """
    import numpy as np
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positives, true_positives, _ = roc_curve(label, probability)
    precision, recall, _ = precision_recall_curve(label, probability)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    masks = [bins == one for one in range(BINS) if (bins == one).any()]
    return {
        "roc": _points(false_positives, true_positives),
        "precision_recall": _points(recall[::-1], precision[::-1]),
        "calibration": [
            [float(probability[mask].mean()), float(label[mask].mean()), int(mask.sum())] for mask in masks
        ],
    }


def _points(x: Any, y: Any) -> list[list[float]]:
    """Return at most MAX_POINTS points of a curve, evenly spaced along x, both ends included."""
    import numpy as np

    if len(x) <= MAX_POINTS:
        return [[round(float(one), 4), round(float(other), 4)] for one, other in zip(x, y, strict=True)]
    wanted = (np.searchsorted(x, np.linspace(x[0], x[-1], MAX_POINTS), "right") - 1).clip(0)
    wanted = np.unique([0, *wanted, len(x) - 1])
    return [[round(float(x[n]), 4), round(float(y[n]), 4)] for n in wanted]
