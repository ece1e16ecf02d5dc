"""Rows that show whether a prepared model predicts as its pipeline does: every text, and numbers of every size."""

from __future__ import annotations

from typing import Any

from ml.learning.blend import Blend
from ml.predict import Model

ROWS = 400
MISSING = 0.15  # the share of missing values
UNKNOWN = "\u2205 a text that no model has learnt"


def trial_rows(model: Model) -> list[dict[str, float | str | None]]:
    """Return rows of the model's features, always the same ones."""
    import numpy as np

    random = np.random.default_rng(1)
    texts = _known_texts(model.pipeline)
    columns: dict[str, list[Any]] = {}
    for name in model.features:
        if name in model.task.categorical:
            choices = [*texts.get(name, []), UNKNOWN, ""]
            columns[name] = [choices[number] for number in random.integers(0, len(choices), ROWS)]
        else:
            sizes = 10.0 ** random.uniform(-3, 5, ROWS)
            columns[name] = (random.normal(size=ROWS) * sizes).round(random.integers(0, 3)).tolist()
        for row in np.flatnonzero(random.random(ROWS) < MISSING):
            columns[name][row] = None
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _known_texts(pipeline: Any) -> dict[str, list[str | None]]:
    """Return categorical feature → the texts that the model has learnt, None for one that was erased."""
    part = next(iter(pipeline.parts.values())) if isinstance(pipeline, Blend) else pipeline
    features = part["features"]
    return dict(zip(features.categorical, features.codes_.texts_, strict=True))
