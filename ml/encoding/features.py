"""Turns rows into the matrix that a classifier takes; each kind is the first step of a candidate's Pipeline.

Categories are codes throughout: a text is looked up once for each value, never once for each row. Each matrix is
allocated once, in the type that its classifier works in, and filled column by column.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

from ml.encoding.frame_rows import FeatureRows, as_rows
from ml.encoding.normal_scores import NormalScores

MIN_CATEGORY_ROWS = 50
MAX_ONE_HOT = 400  # columns; the values with the most rows have one each
MAX_TARGET_CLASSES = 10  # with more, a column for each class and feature would be too many


class Codes(BaseEstimator):  # type: ignore[misc]
    """Numbers the texts of categorical features: those of training from 0, then a missing one, then an unknown one.

    A text that was erased since is None: it keeps its number, which no row has.
    """

    def __init__(self, names: list[str]) -> None:
        """Take the names of the features."""
        self.names = names

    def fit(self, rows: FeatureRows) -> Codes:
        """Learn the texts of each feature, in their own order, whatever the order of rows and of the frame's list."""
        import numpy as np

        self.texts_ = []
        for name in self.names:
            codes, texts = rows.categories(name)
            used = np.unique(codes)
            self.texts_.append(sorted(texts[code] for code in used if code >= 0))
        return self

    def transform(self, rows: FeatureRows) -> Any:
        """Return a matrix with the number of each row's text."""
        import numpy as np

        matrix = np.empty((len(rows), len(self.names)), dtype="int32")
        for place, (name, known) in enumerate(zip(self.names, self.texts_, strict=True)):
            codes, texts = rows.categories(name)
            numbers = {text: number for number, text in enumerate(known)}
            numbered = [numbers.get(text, len(known) + 1) for text in texts]
            matrix[:, place] = np.array([*numbered, len(known)], dtype="int32")[codes]  # the last one for -1
        return matrix


class TreeFeatures(BaseEstimator):  # type: ignore[misc]
    """Features for trees: a category becomes its share of each class, cross-fitted; numbers stay, missing ones too.

    Of two classes it is the share of the positive one. Of more than MAX_TARGET_CLASSES, a category is a number: one for
    each value that is not rare.
    """

    def __init__(self, categorical: list[str], numeric: list[str], *, classes: int, seed: int, dtype: str) -> None:
        """Take the features, the number of classes, a seed for the folds, and the type of the matrix."""
        self.categorical = categorical
        self.numeric = numeric
        self.classes = classes
        self.seed = seed
        self.dtype = dtype

    def fit_transform(self, rows: Any, labels: Any) -> Any:
        """Learn the categories, and return the matrix of the training rows."""
        rows = as_rows(rows)
        self.codes_ = Codes(self.categorical).fit(rows)
        self.encoder_ = self._encoder()
        codes = self.codes_.transform(rows)
        return self._fill(
            rows, self.encoder_.fit_transform(codes, labels.astype("int64")) if self.categorical else codes
        )

    def transform(self, rows: Any) -> Any:
        """Return the matrix of the rows."""
        rows = as_rows(rows)
        codes = self.codes_.transform(rows)
        return self._fill(rows, self.encoder_.transform(codes) if self.categorical else codes)

    def columns_of(self, name: str) -> list[int]:
        """Return the matrix's columns that a feature fills."""
        if name in self.numeric:
            return [self._width() * len(self.categorical) + self.numeric.index(name)]
        start = self.categorical.index(name) * self._width()
        return list(range(start, start + self._width()))

    def _width(self) -> int:
        return 1 if self.classes == 2 or self.classes > MAX_TARGET_CLASSES else self.classes

    def _encoder(self) -> Any:
        if self.classes > MAX_TARGET_CLASSES:
            return OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=-1,
                encoded_missing_value=-1,
                min_frequency=MIN_CATEGORY_ROWS,
            )
        folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=self.seed)
        return TargetEncoder(target_type="binary" if self.classes == 2 else "multiclass", cv=folds)

    def _fill(self, rows: FeatureRows, encoded: Any) -> Any:
        import numpy as np

        width = encoded.shape[1]
        matrix = np.empty((len(rows), width + len(self.numeric)), dtype=self.dtype, order="F")
        matrix[:, :width] = encoded
        for place, name in enumerate(self.numeric, start=width):
            matrix[:, place] = rows.numbers(name)
        return matrix


class LinearFeatures(BaseEstimator):  # type: ignore[misc]
    """Features for a linear model: a column for each frequent value of a category, numbers by rank.

    A missing number gets the median, and a column that marks it if training had missing ones.
    """

    def __init__(self, categorical: list[str], numeric: list[str], *, seed: int) -> None:
        """Take the features, and a seed for the sample that ranks are learnt from."""
        self.categorical = categorical
        self.numeric = numeric
        self.seed = seed

    def fit_transform(self, rows: Any, labels: Any) -> Any:
        """Learn categories and ranks, and return the matrix of the training rows."""
        rows = as_rows(rows)
        self.codes_ = Codes(self.categorical).fit(rows)
        self._place_values(self.codes_.transform(rows))
        self.scores_ = [NormalScores(seed=self.seed).fit(rows.numbers(name)) for name in self.numeric]
        return self.transform(rows)

    def transform(self, rows: Any) -> Any:
        """Return the matrix of the rows."""
        import numpy as np

        rows = as_rows(rows)
        codes = self.codes_.transform(rows)
        matrix = np.zeros((len(rows), self._first_number() + sum(one.width for one in self.scores_)), dtype="float32")
        for place, columns in enumerate(self.places_):
            found = columns[codes[:, place]]
            there = np.flatnonzero(found >= 0)
            matrix[there, found[there]] = 1
        start = self._first_number()
        for name, scores in zip(self.numeric, self.scores_, strict=True):
            scores.fill(rows.numbers(name), matrix[:, start : start + scores.width])
            start += scores.width
        return matrix

    def columns_of(self, name: str) -> list[int]:
        """Return the matrix's columns that a feature fills."""
        if name in self.categorical:
            return sorted({int(one) for one in self.places_[self.categorical.index(name)] if one >= 0})
        place = self.numeric.index(name)
        start = self._first_number() + sum(one.width for one in self.scores_[:place])
        return list(range(start, start + self.scores_[place].width))

    def _first_number(self) -> int:
        return 1 + max((int(columns.max()) for columns in self.places_), default=-1)

    def _place_values(self, codes: Any) -> None:
        """Give each frequent value a column, and the rare ones of a feature a common one; the others -1."""
        import numpy as np

        counts = [
            np.bincount(codes[:, place], minlength=len(texts) + 2) for place, texts in enumerate(self.codes_.texts_)
        ]
        largest = sorted((int(count) for one in counts for count in one), reverse=True)
        needed = max(MIN_CATEGORY_ROWS, largest[MAX_ONE_HOT] + 1 if len(largest) > MAX_ONE_HOT else 0)
        self.places_, used = [], 0
        for of_values in counts:
            is_frequent = of_values >= needed
            columns = np.where(is_frequent, used + np.cumsum(is_frequent) - 1, -1)
            used += int(is_frequent.sum())
            if (of_values[~is_frequent] > 0).any():
                columns[~is_frequent] = used
                used += 1
            self.places_.append(columns.astype("int32"))
