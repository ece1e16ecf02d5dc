"""Rows of a set as a model predicts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.measuring.bootstrap import REPLICATES, Blocks
from ml.measuring.replicates import replicate_ranking

FEW_REPLICATES = 200


@dataclass(frozen=True)
class Predicted:
    """The rows of a set as a model predicts them: labels, a column of probabilities for each class, and blocks."""

    labels: Any
    probabilities: Any
    blocks: Blocks

    def part(self, mask: Any) -> Predicted:
        """Return the rows of a mask; of several classes with fewer replicates, because each class needs its own."""
        replicates = REPLICATES if self.is_binary else FEW_REPLICATES
        return Predicted(self.labels[mask], self.probabilities[mask], self.blocks.of(mask, replicates))

    @property
    def is_binary(self) -> bool:
        """True for two classes, of which the second is the positive one."""
        return bool(self.probabilities.shape[1] == 2)

    @property
    def classes(self) -> list[int]:
        """The classes whose probabilities count: of two the positive one, else all."""
        return [1] if self.is_binary else list(range(self.probabilities.shape[1]))

    def roc_auc(self) -> float:
        """Return ROC AUC, of several classes the mean over those that can be ranked; NaN if none can."""
        import numpy as np
        from sklearn.metrics import roc_auc_score

        areas = [roc_auc_score(self.labels == one, self.probabilities[:, one]) for one in self._ranked()]
        return float(np.mean(areas)) if areas else float("nan")

    def replicated_roc_auc(self, bins: int) -> Any:
        """Return the same of each replicate, from histograms of so many bins."""
        import numpy as np

        drawn = [
            replicate_ranking(self.blocks, self.labels == one, self.probabilities[:, one], bins)["roc_auc"]
            for one in self._ranked()
        ]
        return np.mean(drawn, axis=0) if drawn else np.full(len(self.blocks.weights), np.nan)

    def _ranked(self) -> list[int]:
        """Return the classes that some rows have and others do not."""
        return [one for one in self.classes if 0 < (self.labels == one).sum() < len(self.labels)]
