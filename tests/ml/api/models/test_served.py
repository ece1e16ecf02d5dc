"""Served models answer as scoring does, for one row and for many, and say so when a part cannot be prepared."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from ml.api.models import served
from ml.api.models.classifiers import FEW_ROWS
from ml.api.models.rows import Rows
from ml.api.models.served import TOLERANCE, ServedModel
from ml.api.models.trial import trial_rows
from ml.encoding.frame_rows import FrameRows
from ml.predict import predict
from tests.ml.api.models.generated import BLENDS, PARAMETERS, as_dictionaries, fitted_model, frame

ROWS, FEWER, SINGLY = 10_000, 1500, 500
TREES = ("dummy", "random_forest", "hist_gradient_boosting")


def predicted(model: ServedModel, rows: list[Any], size: int) -> Any:
    return np.concatenate([model.predict(rows[start : start + size]) for start in range(0, len(rows), size)])


@pytest.mark.parametrize("kind", [*PARAMETERS, *BLENDS])
@pytest.mark.parametrize("classes", [2, 12])
def test_answers_equal_the_batch(kind: str, classes: int) -> None:
    model = fitted_model(kind, classes)
    rows = frame(ROWS if classes == 2 else FEWER, seed=7)
    expected, asked = predict(model, rows), as_dictionaries(rows)
    one = ServedModel(model)
    assert one.is_prepared
    assert len(np.unique(expected)) > (500 if kind != "dummy" else 0)
    for size in (1, 100, ROWS):
        found = predicted(one, asked if size > 1 else asked[:SINGLY], size)
        difference = np.abs(found - expected[: len(found)]).max()
        assert difference == 0 if kind in TREES else difference <= TOLERANCE, (size, difference)


def test_rows_without_a_frame_have_its_columns() -> None:
    rows = frame(500)
    plain, framed = Rows(as_dictionaries(rows)), FrameRows(rows)
    for name in ("delay", "price", "empty"):
        assert np.array_equal(plain.numbers(name), framed.numbers(name), equal_nan=True)
        assert plain.numbers(name).dtype == "float32"
    for taken, other in ((plain, framed), *zip(plain.pieces(200), framed.pieces(200), strict=True)):
        codes, texts = taken.categories("shop")
        framed_codes, framed_texts = other.categories("shop")
        named = [texts[code] if code >= 0 else None for code in codes]
        assert named == [framed_texts[code] if code >= 0 else None for code in framed_codes]


def test_an_empty_text_is_missing_and_an_unknown_one_is_not() -> None:
    model = ServedModel(fitted_model("hist_gradient_boosting"))
    row = as_dictionaries(frame(1))[0]
    missing, empty, unknown, known = (model.predict([{**row, "shop": text}])[0] for text in (None, "", "new", "s1"))
    assert missing == empty
    assert len({missing, unknown, known}) > 1


def test_members_that_are_no_features_change_nothing() -> None:
    model = ServedModel(fitted_model("blend"))
    rows = as_dictionaries(frame(5))
    assert np.array_equal(model.predict([{"row_id": "k", **row} for row in rows]), model.predict(rows))


@pytest.mark.parametrize("kind", ["hist_gradient_boosting", "logistic_regression", "random_forest"])
def test_a_preparation_that_differs_is_not_used(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = fitted_model(kind)
    prepare = served._prepare
    monkeypatch.setattr(served, "_prepare", lambda pipeline: lambda rows: prepare(pipeline)(rows) + 1e-9)
    rows = frame(50, seed=3)
    with caplog.at_level(logging.WARNING):
        one = ServedModel(model)
    assert not one.is_prepared
    assert "gives different predictions" in caplog.text
    assert np.abs(one.predict(as_dictionaries(rows)) - predict(model, rows)).max() <= TOLERANCE


def test_each_row_is_tried_as_one_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many rows go another way through the trees, so that a fault of the way for a few does not show in them."""
    model = fitted_model("hist_gradient_boosting")
    tried, prepare = trial_rows(model), served._prepare
    last = Rows(tried[-1:]).numbers("price")[0]
    assert last not in Rows(tried[:30]).numbers("price")

    def prepared(rows: Rows) -> Any:
        is_wrong = len(rows) <= FEW_ROWS and last in rows.numbers("price")
        return prepare(model.pipeline)(rows) + (1e-9 if is_wrong else 0)

    monkeypatch.setattr(served, "_prepare", lambda pipeline: prepared)
    assert not ServedModel(model).is_prepared


def test_a_model_that_cannot_be_prepared_still_answers() -> None:
    class Unknown:
        def predict_proba(self, rows: Any) -> Any:
            numbers = (rows if isinstance(rows, Rows) else FrameRows(rows)).numbers("is_first")
            return np.column_stack([1 - numbers, numbers])

    model = fitted_model("dummy")
    one = ServedModel(type(model)(model.task, model.manifest, Unknown))
    assert not one.is_prepared
    assert one.predict([{"is_first": 1.0}, {"is_first": 0.0}]).tolist() == [1.0, 0.0]


def test_trees_that_split_by_categories_are_not_joined() -> None:
    model = fitted_model("hist_gradient_boosting")
    model.pipeline["classifier"]._predictors[3][0].nodes["is_categorical"][0] = 1
    from ml.api.models.classifiers import JoinedTrees

    assert not JoinedTrees.can_join(model.pipeline["classifier"])


def test_a_linear_model_predicts_in_double_precision() -> None:
    for kind in ("logistic_regression", "blend"):
        model = fitted_model(kind)
        parts = model.pipeline.parts.values() if kind == "blend" else [model.pipeline]
        (linear,) = [part["classifier"] for part in parts if hasattr(part["classifier"], "coef_")]
        assert linear.coef_.dtype == linear.intercept_.dtype == "float64"
