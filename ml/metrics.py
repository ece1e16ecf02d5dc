"""The figures by which candidates are compared."""

from __future__ import annotations

from typing import Any

BINS = 10
POINTS = 60  # of a curve that is drawn


def measure(label: Any, probability: Any, threshold: float) -> dict[str, float]:
    """Return ROC AUC, average precision, Brier score, expected calibration error, and the figures at a threshold.

    The calibration error is the mean distance between forecast and frequency over ten bins of equal width, weighted by
    their rows (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    """
    import numpy as np
    from sklearn.metrics import average_precision_score, brier_score_loss, precision_score, recall_score, roc_auc_score

    said = probability >= threshold
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
        "precision": precision_score(label, said, zero_division=0),
        "recall": recall_score(label, said),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def curves(label: Any, probability: Any) -> dict[str, list[list[float]]]:
    """Return the curves that a report draws, a list of points each.

    ROC: false and true positive rate; precision_recall: recall and precision; calibration: mean forecast, frequency
    and rows of each of ten bins of equal width that has any.
    """
    import numpy as np
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positives, true_positives, _ = roc_curve(label, probability)
    precision, recall, _ = precision_recall_curve(label, probability)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    held = [bins == one for one in range(BINS) if (bins == one).any()]
    return {
        "roc": _points(false_positives, true_positives),
        "precision_recall": _points(recall[::-1], precision[::-1]),
        "calibration": [[float(probability[of].mean()), float(label[of].mean()), int(of.sum())] for of in held],
    }


def _points(x: Any, y: Any) -> list[list[float]]:
    """Return a curve's points, or some of many, evenly along its x, its ends among them."""
    import numpy as np

    if len(x) <= POINTS:
        return [[round(float(one), 4), round(float(other), 4)] for one, other in zip(x, y, strict=True)]
    wanted = (np.searchsorted(x, np.linspace(x[0], x[-1], POINTS), "right") - 1).clip(0)
    wanted = np.unique([0, *wanted, len(x) - 1])
    return [[round(float(x[n]), 4), round(float(y[n]), 4)] for n in wanted]
