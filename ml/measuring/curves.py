"""Computes the curves that the report draws, each as a list of points."""

from __future__ import annotations

from typing import Any

from ml.measuring.bootstrap import DECIMALS, Blocks, interval_of
from ml.measuring.replicates import calibration_bins, replicate_bins

MAX_POINTS = 60  # of one curve


def curves(label: Any, probability: Any, blocks: Blocks) -> dict[str, list[list[float]]]:
    """Return ROC, precision-recall and calibration curves.

    ROC: false and true positive rate; precision_recall: recall and precision; calibration: mean forecast, frequency
    and number of rows of each non-empty bin out of ten of equal width, and the frequency's interval if there is one.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positives, true_positives, _ = roc_curve(label, probability)
    precision, recall, _ = precision_recall_curve(label, probability)
    return {
        "roc": _points(false_positives, true_positives),
        "precision_recall": _points(recall[::-1], precision[::-1]),
        "calibration": _calibration(label, probability, blocks),
    }


def _calibration(label: Any, probability: Any, blocks: Blocks) -> list[list[float]]:
    bins = calibration_bins(probability)
    points = []
    for one, drawn in replicate_bins(blocks, label, probability).items():
        mask = bins == one
        frequency = float(label[mask].mean())
        interval = None if blocks.lack else interval_of(drawn, frequency)
        # rounded: a forest adds up its trees in the order in which they answer, and the last digit depends on it
        forecast = round(float(probability[mask].mean()), DECIMALS)
        points.append([forecast, round(frequency, DECIMALS), int(mask.sum()), *(interval or [])])
    return points


def _points(x: Any, y: Any) -> list[list[float]]:
    """Return at most MAX_POINTS points of a curve, evenly spaced along x, both ends included."""
    import numpy as np

    if len(x) <= MAX_POINTS:
        return [[round(float(one), 4), round(float(other), 4)] for one, other in zip(x, y, strict=True)]
    wanted = (np.searchsorted(x, np.linspace(x[0], x[-1], MAX_POINTS), "right") - 1).clip(0)
    wanted = np.unique([0, *wanted, len(x) - 1])
    return [[round(float(x[n]), 4), round(float(y[n]), 4)] for n in wanted]
