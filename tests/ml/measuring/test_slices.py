"""Parts of the rows that are predicted worse than the rest, or too high or too low, are named with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.encoding.frame_rows import FrameRows
from ml.measuring.bootstrap import make_blocks
from ml.measuring.parts import find_parts
from ml.measuring.predicted import Predicted
from ml.measuring.slices import measure_slices
from ml.task import Task
from tests.support.small.task import TASK

ROWS, DAYS, MISSING = 9000, 60, 20
SHOPS = np.array(["north", "south", "east", "west", "tiny"])


def frame_and_rows() -> tuple[pd.DataFrame, Predicted]:
    """Return rows whose predictions are noise in the shop `south`, and too high in `west`."""
    random = np.random.default_rng(2)
    shop = np.where(np.arange(ROWS) < 50, 4, random.integers(0, 4, ROWS))
    truth = random.beta(1, 2, ROWS)
    labels = (random.random(ROWS) < truth).astype(int)
    positive = np.where(shop == 1, random.permutation(truth), truth)
    positive = np.where(shop == 3, positive**0.6, positive)
    days = np.arange(ROWS) // (ROWS // DAYS) + 15_750
    frame = pd.DataFrame({"shop": pd.Categorical(SHOPS[shop]), "delay": (truth * 100).astype("float32"), "day": days})
    frame.loc[: MISSING - 1, "delay"] = np.nan
    return frame, Predicted(labels, np.column_stack([1 - positive, positive]), make_blocks(days, "day", 1))


def measured(**declared: Any) -> dict[str, dict[str, Any]]:
    frame, rows = frame_and_rows()
    task = Task.model_validate({**TASK, **declared})
    parts = find_parts(task, FrameRows(frame), frame["day"].to_numpy())
    return {f"{one['name']} {one['value']}": one for one in measure_slices(rows, parts, rows.roc_auc())}


def test_a_part_that_is_predicted_badly_is_named_with_the_reason() -> None:
    found = measured()
    weak = {name for name, one in found.items() if one["is_weak"]}
    assert weak == {"shop south", "shop west"}
    assert found["shop south"]["why"].startswith("ROC AUC 0.")
    assert "too high" in found["shop west"]["why"] and "ROC AUC" not in found["shop west"]["why"]
    assert found["shop north"]["why"] == ""


def test_months_and_short_categories_are_parts_by_default() -> None:
    found = measured()
    assert [name for name in found if name.startswith("month")] == ["month 2013-02", "month 2013-03", "month 2013-04"]
    assert sum(one["rows"] for name, one in found.items() if name.startswith("shop")) == ROWS
    assert found["shop tiny"]["intervals"] == {"roc_auc": None, "brier": None, "gap": None}
    assert (found["shop tiny"]["is_weak"], found["shop tiny"]["why"]) == (False, "fewer than 200 rows")


def test_a_number_is_cut_into_ranges_and_missing_is_a_part() -> None:
    found = measured(slices=[{"column": "delay", "width": 25, "name": "wait"}])
    assert list(found) == ["wait 0 to 25", "wait 25 to 50", "wait 50 to 75", "wait 75 to 100", "wait (missing)"]
    assert found["wait (missing)"]["rows"] == MISSING
    assert measured(slices=[]) == {}


def test_figures_of_a_part_are_those_of_its_rows_alone() -> None:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    frame, rows = frame_and_rows()
    north = (frame["shop"] == "north").to_numpy()
    found = measured()["shop north"]
    labels, positive = rows.labels[north], rows.probabilities[north, 1]
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, positive), abs=1e-4)
    assert found["brier"] == pytest.approx(brier_score_loss(labels, positive), abs=1e-4)
    assert (found["rows"], found["base_rate"]) == (north.sum(), pytest.approx(labels.mean(), abs=1e-4))
    low, high = found["intervals"]["roc_auc"]
    assert low < found["roc_auc"] < high


def few(shops: list[str]) -> list[dict[str, Any]]:
    """Return the figures of rows of these shops."""
    frame = pd.DataFrame({"shop": pd.Categorical(shops), "delay": np.zeros(len(shops), "float32")})
    task = Task.model_validate({**TASK, "slices": ["shop"]})
    labels = np.arange(len(shops)) % 2
    rows = Predicted(labels, np.column_stack([1 - labels, labels]), make_blocks(np.arange(len(shops)), "row", 1))
    return measure_slices(rows, find_parts(task, FrameRows(frame), np.zeros(len(shops), "int32")), 0.5)


def test_of_many_parts_those_with_the_most_rows_are_named() -> None:
    found = few([f"shop {number:03}" for number in range(210)] * 20 + ["the largest"] * 5 + ["the largest"] * 20)
    values = [one["value"] for one in found]
    assert len(values) == 201 and values[:-1] == sorted(values[:-1])
    assert values[-2:] == ["the largest", "(other)"]
    assert sum(one["rows"] for one in found) == 210 * 20 + 25


def test_parts_of_few_rows_are_one_part_without_their_names() -> None:
    found = few(["north"] * 20 + ["Ms Fox"] + ["south"] * 19)
    assert [(one["value"], one["rows"]) for one in found] == [("north", 20), ("(other)", 20)]
    assert found[1]["brier"] == 0 and found[1]["base_rate"] == 0.5
    assert "Ms Fox" not in str(found)


def test_fewer_rows_than_a_part_needs_are_only_counted() -> None:
    north, other = few(["north"] * 30 + ["Ms Fox"] + ["south"] * 18)
    assert north["brier"] == 0
    assert (other["value"], other["rows"], other["why"]) == ("(other)", 19, "fewer than 20 rows")
    figures = ("base_rate", "roc_auc", "brier", "gap")
    assert {other[name] for name in figures} == {None} == set(other["intervals"].values())
    assert not other["is_weak"]
