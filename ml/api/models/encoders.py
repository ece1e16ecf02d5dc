"""The matrices of `ml.encoding` for a few rows: what the fitted encoders give a text is asked once, not for each row.

Nothing is learnt or decided here: tables and quantiles are those of the fitted encoders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml.api.models.rows import Rows
from ml.encoding.features import LinearFeatures, TreeFeatures

Matrix = Callable[[Rows], Any]


def matrix_of(features: Any) -> Matrix:
    """Return what gives rows the same matrix as the fitted encoder does, bit for bit."""
    if isinstance(features, TreeFeatures):
        return TreeMatrix(features)
    return LinearMatrix(features) if isinstance(features, LinearFeatures) else features.transform


class Numbering:
    """The number of each text of a categorical feature, of a missing one and of an unknown one."""

    def __init__(self, texts: list[str | None]) -> None:
        """Take the known texts in their order, None for an erased one; then come a missing and an unknown one."""
        self._numbers: dict[str | None, int] = {**{text: number for number, text in enumerate(texts)}, None: len(texts)}
        self._unknown = len(texts) + 1

    def of(self, texts: list[str | None]) -> list[int]:
        """Return the number of each text."""
        return [self._numbers.get(text, self._unknown) for text in texts]


class TreeMatrix:
    """The matrix of `TreeFeatures`."""

    def __init__(self, features: TreeFeatures) -> None:
        """Ask the encoder what each number of each categorical feature becomes."""
        import numpy as np

        self._categorical, self._numeric, self._dtype = features.categorical, features.numeric, features.dtype
        known = features.codes_.texts_
        self._numberings = [Numbering(texts) for texts in known]
        self._tables: list[Any] = []
        if known:
            last = [len(texts) + 1 for texts in known]
            codes = np.minimum(np.arange(max(last) + 1)[:, None], last).astype("int32")
            encoded = features.encoder_.transform(codes)
            self._tables = [encoded[:, features.columns_of(name)] for name in features.categorical]
        self._columns = [features.columns_of(name) for name in features.categorical]
        self._first_number = sum(map(len, self._columns))

    def __call__(self, rows: Rows) -> Any:
        """Return the matrix of the rows."""
        import numpy as np

        matrix = np.empty((len(rows), self._first_number + len(self._numeric)), dtype=self._dtype)
        encoders = zip(self._categorical, self._numberings, self._tables, self._columns, strict=True)
        for name, numbering, table, columns in encoders:
            matrix[:, columns[0] : columns[-1] + 1] = table[numbering.of(rows.texts(name))]
        if self._numeric:
            matrix[:, self._first_number :] = rows.number_matrix(self._numeric).T
        return matrix


class LinearMatrix:
    """The matrix of `LinearFeatures`; the scores of all numeric features are computed together."""

    def __init__(self, features: LinearFeatures) -> None:
        """Collect the column of each text, and the quantiles, means and marks of each numeric feature."""
        import numpy as np

        self._categorical, self._numeric, self._scores = features.categorical, features.numeric, features.scores_
        self._numberings = [Numbering(texts) for texts in features.codes_.texts_]
        self._places = [columns.tolist() for columns in features.places_]
        columns = [features.columns_of(name) for name in features.numeric]
        self._score_columns = [of_feature[0] for of_feature in columns]
        self._marked = [place for place, of_feature in enumerate(columns) if len(of_feature) == 2]
        self._mark_columns = [columns[place][1] for place in self._marked]
        self._width = features._first_number() + sum(map(len, columns))
        shares = [features.scores_[place].missing_share for place in self._marked]
        deviations = [max((share * (1 - share)) ** 0.5, 1e-6) for share in shares]
        self._shares, self._mark_deviations = np.array(shares)[:, None], np.array(deviations)[:, None]
        self._medians, self._means, self._deviations = (
            np.array([getattr(one, figure) for one in features.scores_])[:, None]
            for figure in ("median", "mean", "deviation")
        )

    def __call__(self, rows: Rows) -> Any:
        """Return the matrix of the rows."""
        import numpy as np

        matrix = np.zeros((len(rows), self._width), dtype="float32")
        for name, numbering, places in zip(self._categorical, self._numberings, self._places, strict=True):
            for row, number in enumerate(numbering.of(rows.texts(name))):
                if places[number] >= 0:
                    matrix[row, places[number]] = 1
        if self._numeric:
            self._fill_numbers(rows.number_matrix(self._numeric), matrix)
        return matrix

    def _fill_numbers(self, numbers: Any, matrix: Any) -> None:
        import numpy as np

        doubles, missing = numbers.astype("float64"), np.isnan(numbers)
        scores = np.array([np.interp(*one) for one in self._interpolated(doubles)])
        np.copyto(scores, self._medians, where=missing)
        scores -= self._means
        scores /= self._deviations
        matrix[:, self._score_columns] = scores.T
        if self._marked:
            matrix[:, self._mark_columns] = ((missing[self._marked] - self._shares) / self._mark_deviations).T

    def _interpolated(self, doubles: Any) -> Any:
        return ((column, one.values, one.scores) for column, one in zip(doubles, self._scores, strict=True))
