"""The probabilities of fitted classifiers for a few rows, without the library's work for each tree.

Each row goes through the same trees, in the library's own code, and their values are added in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FEW_ROWS = 32  # with more of them, the library's own way through boosted trees is faster

Probabilities = Callable[[Any], Any]


def probabilities_of(classifier: Any) -> Probabilities:
    """Return what gives a matrix the same probabilities as the fitted classifier does, bit for bit."""
    name = type(classifier).__name__
    if name == "HistGradientBoostingClassifier" and JoinedTrees.can_join(classifier):
        return JoinedTrees(classifier)
    if name == "RandomForestClassifier":
        return Forest(classifier)
    return classifier.predict_proba  # type: ignore[no-any-return]


class Forest:
    """A random forest: its trees one after the other, without threads."""

    def __init__(self, classifier: Any) -> None:
        """Take the fitted classifier's trees."""
        self._classes = len(classifier.classes_)
        self._trees = [tree.tree_ for tree in classifier.estimators_]

    def __call__(self, matrix: Any) -> Any:
        """Return the mean of the trees' probabilities for each row."""
        import numpy as np

        total = np.zeros((len(matrix), self._classes))
        for tree in self._trees:
            total += tree.predict(matrix)[:, : self._classes]
        total /= len(self._trees)
        return total


class JoinedTrees:
    """Boosted trees as one large tree, whose first nodes lead to the tree that an additional feature numbers.

    A row that is repeated with each number gets the values of all trees in one call. Otherwise each tree is a call, and
    takes far longer than what it computes.
    """

    def __init__(self, classifier: Any) -> None:
        """Join the trees of the fitted classifier."""
        import numpy as np
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        self._classifier = classifier
        trees = [tree.nodes for of_iteration in classifier._predictors for tree in of_iteration]
        self._numbers = np.arange(len(trees), dtype="float64")
        no_categories, self._features = np.empty((0, 8), dtype="uint32"), classifier.n_features_in_
        self._tree = TreePredictor(_joined(trees, self._features), no_categories, no_categories)
        self._categories = (no_categories, np.zeros(self._features + 1, dtype="uint32"))

    @staticmethod
    def can_join(classifier: Any) -> bool:
        """Return True unless a tree splits by categories, which are in separate tables."""
        trees = (tree.nodes for of_iteration in classifier._predictors for tree in of_iteration)
        return classifier._preprocessor is None and not any(nodes["is_categorical"].any() for nodes in trees)

    def __call__(self, matrix: Any) -> Any:
        """Return the probabilities of each row."""
        is_few = len(matrix) <= FEW_ROWS
        sums = self._sum(matrix) if is_few else self._classifier._raw_predict(matrix, n_threads=1)
        return self._classifier._loss.predict_proba(sums)

    def _sum(self, matrix: Any) -> Any:
        """Return the sum of the trees' values for each row and class, added in the library's order."""
        import numpy as np

        repeated = np.empty((len(matrix), len(self._numbers), self._features + 1))
        repeated[:, :, :-1] = matrix[:, None, :]
        repeated[:, :, -1] = self._numbers
        values = self._tree.predict(repeated.reshape(-1, self._features + 1), *self._categories, 1)
        start = self._classifier._baseline_prediction
        added = np.empty((len(matrix), 1 + len(self._numbers) // start.shape[1], start.shape[1]))
        added[:, 0], added[:, 1:] = start, values.reshape(len(matrix), -1, start.shape[1])
        return np.asfortranarray(np.add.accumulate(added, axis=1)[:, -1])


def _joined(trees: list[Any], feature: int) -> Any:
    """Return the nodes of one tree that leads to the n-th of the trees if the feature is n."""
    import numpy as np

    leading = np.zeros(len(trees) - 1, dtype=trees[0].dtype)
    leading["feature_idx"] = feature
    starts = len(leading) + np.cumsum([0, *map(len, trees[:-1])])
    used = iter(range(len(leading)))

    def lead(first: int, end: int) -> int:
        """Return the node that leads to the trees from the first to before the end."""
        if end - first == 1:
            return int(starts[first])
        node, middle = next(used), (first + end) // 2
        leading[node]["num_threshold"] = middle - 0.5
        leading[node]["left"], leading[node]["right"] = lead(first, middle), lead(middle, end)
        return node

    lead(0, len(trees))
    moved = [nodes.copy() for nodes in trees]
    for nodes, start in zip(moved, starts, strict=True):
        for side in ("left", "right"):
            nodes[side][nodes["is_leaf"] == 0] += np.uint32(start)
    return np.concatenate([leading, *moved])
