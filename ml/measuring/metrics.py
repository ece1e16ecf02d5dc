"""Measures candidates: the metrics that compare them."""

from __future__ import annotations

from typing import Any

BINS = 10
DECIMALS = 4


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
    return {name: round(float(value), DECIMALS) for name, value in figures.items()}


def measure_classes(label: Any, probabilities: Any) -> dict[str, float]:
    """Return the metrics of more than two classes, all of which the rows have.

    `label` holds the number of each row's class, `probabilities` one column a class. ROC AUC is one against the rest,
    and like macro-F1 and balanced accuracy the mean over the classes: a small one counts as much as a large one.
    """
    import numpy as np
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss, roc_auc_score

    numbers = list(range(probabilities.shape[1]))
    predicted = np.asarray(probabilities).argmax(axis=1)
    figures = {
        "rows": len(label),
        "roc_auc": roc_auc_score(label, probabilities, multi_class="ovr", average="macro", labels=numbers),
        "macro_f1": f1_score(label, predicted, average="macro", labels=numbers, zero_division=0),
        "balanced_accuracy": balanced_accuracy_score(label, predicted),
        "log_loss": log_loss(label, probabilities, labels=numbers),
        "accuracy": accuracy_score(label, predicted),
    }
    return {name: round(float(value), DECIMALS) for name, value in figures.items()}


def measure_each_class(label: Any, probabilities: Any) -> list[dict[str, float]]:
    """Return precision, recall and ROC AUC against the rest of each class."""
    import numpy as np
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    numbers = list(range(probabilities.shape[1]))
    predicted = np.asarray(probabilities).argmax(axis=1)
    precision, recall, _, _ = precision_recall_fscore_support(label, predicted, labels=numbers, zero_division=0)
    return [
        {
            "precision": round(float(precision[number]), 4),
            "recall": round(float(recall[number]), 4),
            "roc_auc": round(float(roc_auc_score(label == number, probabilities[:, number])), 4),
        }
        for number in numbers
    ]
