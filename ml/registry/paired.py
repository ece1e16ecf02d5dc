"""Compares two models' predictions of the same rows: the difference of their ROC AUC, with an interval over blocks.

Rows of one block (a day, a group) depend on each other, so the bootstrap draws whole blocks. Both models are measured
on each draw, and exchanging them changes the sign of every figure and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DRAWS = 1000
MAX_BLOCKS = 200  # more are joined, which changes no expected width
SEED = 16
LEVEL = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """The ROC AUC of two models on the same rows, their difference (first minus second), and its 95 % interval."""

    first: float
    second: float
    difference: float
    low: float
    high: float


def paired_difference(labels: Any, blocks: Any, first: Any, second: Any) -> PairedDifference | None:
    """Measure two models on the same rows; None if a class is missing, or there are fewer than two blocks.

    `labels` holds the number of each row's class; the probabilities are the positive class's, or one column a class.
    Of several classes, ROC AUC is the mean of each class against the rest.
    """
    import numpy as np

    codes, number = _joined(blocks)
    pairs = _class_columns(labels, first, second)
    matrices = [[_Pairs(is_positive, one, codes) for one in both] for is_positive, *both in pairs]
    whole = np.array([[found.areas(np.ones((1, number)))[0] for found in both] for both in matrices])
    if number < 2 or not len(whole) or np.isnan(whole).any():
        return None
    weights = np.random.default_rng(SEED).multinomial(number, np.full(number, 1 / number), size=DRAWS).astype("float64")
    drawn = np.array([[found.areas(weights) for found in both] for both in matrices])
    differences = drawn[:, 0] - drawn[:, 1]
    is_defined = ~np.isnan(differences).any(axis=0)  # a draw may lack a class
    if not is_defined.any():
        return None
    ordered = np.sort(differences[:, is_defined].mean(axis=0))
    cut = int(len(ordered) * (1 - LEVEL) / 2)  # as many on either side: exchanging the models exchanges the ends
    means = whole.mean(axis=0)
    return PairedDifference(
        float(means[0]),
        float(means[1]),
        float((whole[:, 0] - whole[:, 1]).mean()),
        float(ordered[cut]),
        float(ordered[len(ordered) - 1 - cut]),
    )


def _joined(blocks: Any) -> tuple[Any, int]:
    """Return the number of each row's block, from 0, and how many there are; many are joined at random."""
    import numpy as np

    found, codes = np.unique(blocks, return_inverse=True)
    if len(found) <= MAX_BLOCKS:
        return codes, len(found)
    return (np.random.default_rng(SEED).permutation(len(found)) % MAX_BLOCKS)[codes], MAX_BLOCKS


def _class_columns(labels: Any, first: Any, second: Any) -> list[tuple[Any, Any, Any]]:
    """Return for each class whether a row has it, and both models' probabilities; for two classes the positive one."""
    if first.ndim == 1:
        return [(labels == 1, first, second)]
    return [(labels == number, first[:, number], second[:, number]) for number in range(first.shape[1])]


class _Pairs:
    """The pairs of a positive and a negative row that a model has in order, counted by the blocks of the two.

    With them, the area under the ROC curve of any draw of blocks is a product of small matrices.
    """

    def __init__(self, is_positive: Any, probability: Any, codes: Any) -> None:
        """Count the pairs; a tie counts half."""
        import numpy as np

        number = int(codes.max(initial=-1)) + 1
        positives, negatives = probability[is_positive], probability[~is_positive]
        of_positives, of_negatives = codes[is_positive], codes[~is_positive]
        order = np.argsort(negatives, kind="stable")
        negatives, of_negatives = negatives[order], of_negatives[order]
        self._in_order = np.zeros((number, number))
        for block in range(number):
            sorted_of_block = negatives[of_negatives == block]
            below = np.searchsorted(sorted_of_block, positives, "left")
            below_or_equal = np.searchsorted(sorted_of_block, positives, "right")
            self._in_order[:, block] = np.bincount(of_positives, (below + below_or_equal) / 2, number)
        self._positives = np.bincount(of_positives, minlength=number)
        self._negatives = np.bincount(of_negatives, minlength=number)

    def areas(self, weights: Any) -> Any:
        """Return the area under the ROC curve for each line of weights of the blocks; NaN where a class is missing."""
        import numpy as np

        pairs = (weights @ self._positives) * (weights @ self._negatives)
        in_order = ((weights @ self._in_order) * weights).sum(axis=1)
        return np.divide(in_order, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
