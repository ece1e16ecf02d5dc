"""Finds columns that give the label away: alone, each predicts it better than anything known before the answer does.

The measure is the ROC AUC of one column, for more than two classes that of each class against the rest. It is computed
in three ways, and the largest counts: of the numbers in their order; of whether a value is missing, over all rows; and
of the probabilities that other rows with similar values suggest (cross-fitted, so that a column with many values cannot
know the row's own label).

A number that separates one of several classes is an honest feature more often than a leak, such as the length of a
petal, which separates one kind of iris from all others. So the mean over the classes counts for numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml.proposing.labels import Label

LIMIT = 0.98
FOLDS = 3
MAX_FITTED_ROWS = 50_000
MAX_LEAVES = 64


@dataclass(frozen=True)
class Leak:
    """How well a column alone predicts a class. `how` says by what: its order, its values or its missing values."""

    auc: float
    of_class: int
    how: str

    @property
    def is_beyond_limit(self) -> bool:
        """True for a column that gives the label away."""
        return self.auc > LIMIT


def leak_of_missing(label: Label, name: str) -> Leak:
    """Measure how well it predicts a class whether a column is null; from the counts over all rows."""
    best = Leak(0.5, 0, "missing")
    present = label.presence[name]
    for number, rows in enumerate(label.rows):
        inside, outside = present[number] / rows, (sum(present) - present[number]) / (label.labelled - rows)
        auc = 0.5 + abs(inside - outside) / 2
        best = max(best, Leak(auc, number, "missing"), key=lambda one: one.auc)
    return best


def leak_of_values(values: Any, classes: Any, *, is_category: bool) -> Leak:
    """Measure how well the values of a column predict a class.

    `values` are doubles with NaN where there is no value, `classes` the number of each row's class.
    """
    import numpy as np

    fitted = slice(None, MAX_FITTED_ROWS)
    scores = (_shares if is_category else _leaves)(values[fitted], classes[fitted])
    aucs = np.array([_aucs(scores[:, one], classes[fitted])[one] for one in range(scores.shape[1])])
    total = np.max if is_category else np.mean
    found = [Leak(float(total(aucs)), int(aucs.argmax()), "values")]
    for missing in () if is_category else (-np.inf, np.inf):
        aucs = abs(_aucs(np.where(np.isnan(values), missing, values), classes) - 0.5) + 0.5
        found.append(Leak(float(total(aucs)), int(aucs.argmax()), "order"))
    return max(found, key=lambda one: one.auc)


def _aucs(scores: Any, classes: Any) -> Any:
    """Return the ROC AUC of scores for each class against the rest (Mann-Whitney's U); 0.5 for a class without rows."""
    import numpy as np
    from scipy.stats import rankdata

    totals = np.bincount(classes)
    above = np.bincount(classes, weights=rankdata(scores)) - totals * (totals + 1) / 2
    pairs = totals * (len(classes) - totals)
    return np.where(pairs > 0, above / np.maximum(pairs, 1), 0.5)


def _folds(classes: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the rows to learn from and the rows to predict, as masks; each fold has its share of every class."""
    import numpy as np

    shuffled = np.random.default_rng(0).permutation(len(classes))
    folds = np.empty(len(classes), dtype=int)
    folds[shuffled[np.argsort(classes[shuffled], kind="stable")]] = np.arange(len(classes)) % FOLDS
    for fold in range(FOLDS):
        yield folds != fold, folds == fold


def _leaves(values: Any, classes: Any) -> Any:
    """Return each row's probability of each class from a tree on this column that was fitted without the row's fold."""
    import numpy as np
    from sklearn.tree import DecisionTreeClassifier

    smallest = max(2, len(values) // 1000)
    tree = DecisionTreeClassifier(max_leaf_nodes=MAX_LEAVES, min_samples_leaf=smallest, random_state=0)
    scores = np.zeros((len(values), classes.max() + 1))
    for known, asked in _folds(classes):
        tree.fit(values[known, None], classes[known])
        scores[np.ix_(asked, tree.classes_)] = tree.predict_proba(values[asked, None])
    return scores


def _shares(values: Any, classes: Any) -> Any:
    """Return each row's share of each class among the rows of other folds with its value, and all rows as one more."""
    import numpy as np

    number = classes.max() + 1
    codes = np.unique(np.where(np.isnan(values), np.inf, values), return_inverse=True)[1]
    scores = np.zeros((len(values), number))
    for known, asked in _folds(classes):
        cells = np.bincount(codes[known] * number + classes[known], minlength=(codes.max() + 1) * number)
        rows = cells.reshape(-1, number)
        prior = np.bincount(classes[known], minlength=number) / known.sum()
        scores[asked] = ((rows + prior) / (rows.sum(axis=1, keepdims=True) + 1))[codes[asked]]
    return scores
