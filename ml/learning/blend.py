"""Blends the probabilities of several fitted candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMALLEST = 1e-7  # a probability, so that its logarithm is finite


def combine(probabilities: list[Any], weights: list[float]) -> Any:
    """Return the weighted mean of the logarithms of probabilities, normalised; of two classes the mean of logits."""
    import numpy as np

    total = sum(weights)
    logs = sum(
        weight / total * np.log(np.clip(one, SMALLEST, 1)) for one, weight in zip(probabilities, weights, strict=True)
    )
    likely = np.exp(logs - np.max(logs, axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)


class Blend:
    """Fitted candidates with their weights; predicts like one of them."""

    def __init__(self, parts: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        """Keep the parts that the weights name, in their order."""
        self.parts = {name: parts[name] for name in weights}
        self.weights = {name: float(weight) for name, weight in weights.items()}

    def predict_proba(self, rows: Any) -> Any:
        """Return for each row a probability of each class."""
        return combine([part.predict_proba(rows) for part in self.parts.values()], list(self.weights.values()))
