"""Maps a number to the normal score of its rank, so that a linear model is not ruled by outliers."""

from __future__ import annotations

from typing import Any

QUANTILES = 200
SAMPLE = 50_000  # rows from which the quantiles are learnt
SMALLEST_RANK = 0.001


class NormalScores:
    """Learns the quantiles of one column; a missing number gets the median's score, and a mark in a second column.

    Numbers between two quantiles are interpolated, and those outside get the score of the nearest one. Scores have
    mean 0 and standard deviation 1 over the training rows, and so have the marks.
    """

    def __init__(self, *, seed: int) -> None:
        """Take the seed of the sample."""
        self.seed = seed

    def fit(self, column: Any) -> NormalScores:
        """Learn from a column of the training rows; NaN is missing."""
        import numpy as np
        from scipy.special import ndtri

        missing = np.isnan(column)
        self.missing_share = float(missing.mean())
        found = column[~missing]
        if len(found) > SAMPLE:
            found = found[np.random.default_rng(self.seed).integers(0, len(found), SAMPLE)]
        ranks = np.linspace(0, 1, QUANTILES)
        quantiles = np.quantile(found.astype("float64"), ranks) if len(found) else np.zeros(QUANTILES)
        self.values, numbers = np.unique(quantiles, return_inverse=True)
        mean_ranks = np.bincount(numbers, weights=ranks) / np.bincount(numbers)
        self.scores = ndtri(np.clip(mean_ranks, SMALLEST_RANK, 1 - SMALLEST_RANK))
        self.median = float(np.interp(np.median(quantiles), self.values, self.scores))
        self.mean, self.deviation = 0.0, 1.0
        scores = self._score(column)
        self.mean, self.deviation = float(scores.mean()), float(scores.std()) or 1.0
        return self

    @property
    def width(self) -> int:
        """The number of columns that the feature fills."""
        return 2 if self.missing_share > 0 else 1

    def fill(self, column: Any, matrix: Any) -> None:
        """Write the scores of a column, and the marks if there are any, into a part of a matrix."""
        import numpy as np

        matrix[:, 0] = self._score(column)
        if self.width == 2:
            share = self.missing_share
            matrix[:, 1] = (np.isnan(column) - share) / max((share * (1 - share)) ** 0.5, 1e-6)

    def _score(self, column: Any) -> Any:
        import numpy as np

        scores = np.interp(column, self.values, self.scores)
        scores[np.isnan(column)] = self.median
        return (scores - self.mean) / self.deviation
