"""A model as the API serves it: it predicts single rows fast, and exactly as scoring does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ml.api.models.classifiers import probabilities_of
from ml.api.models.encoders import matrix_of
from ml.api.models.rows import Row, Rows
from ml.api.models.trial import trial_rows
from ml.learning.blend import Blend, combine
from ml.predict import Model

logger = logging.getLogger(__name__)

FEW_TRIALS, SINGLE_TRIALS = 30, 20  # rows of a piece, which is predicted as the rows of a request; rows alone
TOLERANCE = 1e-12  # between probabilities that a linear model takes part in, whose sums depend on the number of rows


class ServedModel:
    """A loaded model that predicts rows which are given as dictionaries.

    Its encoders and trees are prepared for single rows. While it is prepared it predicts trial rows, and if any answer
    differs from that of the model's own pipeline, the pipeline is used instead, which is slower.
    """

    def __init__(self, model: Model) -> None:
        """Prepare a model, which takes a fraction of a second."""
        self.model = model
        self._probabilities: Callable[[Rows], Any] = model.pipeline.predict_proba
        try:
            prepared = _prepare(model.pipeline)
            is_equal = _predicts_the_same(prepared, model)
        except Exception:  # whatever a part that is not known yet may raise
            logger.exception("a model is served without preparation: task=%s", model.task.task)
            return
        if is_equal:
            self._probabilities = prepared
        else:
            logger.warning("a model gives different predictions when it is prepared, so its pipeline is used: task=%s",
                           model.task.task)  # fmt: skip

    @property
    def is_prepared(self) -> bool:
        """False if the model's own pipeline predicts."""
        return bool(self._probabilities != self.model.pipeline.predict_proba)

    def predict(self, rows: Sequence[Row]) -> Any:
        """Return the probabilities of rows that have each feature of the model, as `ml.predict.predict` does.

        Of two classes an array with the positive one's; of more, an array with a column for each of `model.classes`.
        They are float64, and those of a row are the same alone and among others: bit for bit for trees, within
        TOLERANCE with a linear model. A row may have more members than the features. Safe in any thread.
        """
        if self.model.is_binary:
            return self._probabilities(Rows(rows)).astype("float64")[:, 1]
        # With several classes, numpy adds up those of a single row in another order than those of several rows.
        asked = [rows[0], rows[0]] if len(rows) == 1 else rows
        return self._probabilities(Rows(asked)).astype("float64")[: len(rows)]


def _prepare(pipeline: Any) -> Callable[[Rows], Any]:
    """Return what predicts as a fitted pipeline or blend does."""
    if isinstance(pipeline, Blend):
        parts = [_prepare(part) for part in pipeline.parts.values()]
        weights = list(pipeline.weights.values())
        return lambda rows: combine([part(rows) for part in parts], weights)
    matrix, probabilities = matrix_of(pipeline["features"]), probabilities_of(pipeline["classifier"])
    return lambda rows: probabilities(matrix(rows))


def _predicts_the_same(prepared: Callable[[Rows], Any], model: Model) -> bool:
    """Return True if prepared and own predictions of the trial rows are equal: all at once, a few and single ones.

    Many rows may go another way through a classifier than a few, so each row is predicted both ways.
    """
    import numpy as np

    rows = trial_rows(model)
    expected = model.pipeline.predict_proba(Rows(rows))
    tolerance = TOLERANCE if _depends_on_rows(model) else 0
    pieces = [slice(0, len(rows)), *(slice(start, start + FEW_TRIALS) for start in range(0, len(rows), FEW_TRIALS))]
    pieces += [slice(row, row + 1) for row in range(SINGLE_TRIALS)]
    return all(bool(np.abs(prepared(Rows(rows[one])) - expected[one]).max() <= tolerance) for one in pieces)


def _depends_on_rows(model: Model) -> bool:
    """Return True if the last digit of a row's probability may depend on the rows beside it."""
    is_tree = not isinstance(model.pipeline, Blend) and not hasattr(model.pipeline["classifier"], "coef_")
    return not (is_tree and model.is_binary)
