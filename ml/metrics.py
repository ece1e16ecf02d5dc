"""The figures by which candidates are compared."""

from __future__ import annotations

from typing import Any

BINS = 10


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
