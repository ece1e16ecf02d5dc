"""Intervals are those of a plain bootstrap over whole blocks, which repeats the rows of each drawn block."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from ml.measuring.bootstrap import MAX_BLOCKS, Blocks, interval_of, make_blocks
from ml.measuring.measured import Measured, measure_with_intervals
from ml.measuring.predicted import Predicted
from ml.measuring.replicates import replicate_binary, replicate_classes

THRESHOLD = 0.4
ROUGH = {"roc_auc": 0.003, "pr_auc": 0.01}  # computed from histograms; all others are exact


def predicted(seed: int, *, rows: int = 1500, days: int = 30, classes: int = 2, noise: float = 1.0) -> Predicted:
    """Return rows whose days differ in how well their class is predicted."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    day = np.sort(random.integers(0, days, rows))
    logits = (
        np.eye(classes)[labels] + noise * random.normal(size=(rows, classes)) + random.normal(size=days)[day][:, None]
    )
    logits[:, 0] += random.normal(size=days)[day]
    likely = np.exp(logits)
    return Predicted(labels, likely / likely.sum(axis=1, keepdims=True), make_blocks(day, "day", seed))


def repeated(rows: Predicted, replicate: int) -> Any:
    """Return the positions of the rows of one replicate, each as often as its block was drawn."""
    return np.repeat(np.arange(len(rows.labels)), rows.blocks.weights[replicate].astype(int)[rows.blocks.of_rows])


@given(st.integers(0, 10_000))
def test_each_replicate_has_the_figures_of_its_repeated_rows(seed: int) -> None:
    rows = predicted(seed)
    drawn = replicate_binary(rows.blocks, rows.labels, rows.probabilities[:, 1], THRESHOLD)
    positions = repeated(rows, seed % 1000)
    labels, probability = rows.labels[positions], rows.probabilities[positions, 1]
    bins = np.minimum((probability * 10).astype(int), 9)
    expected = {
        "roc_auc": roc_auc_score(labels, probability),
        "pr_auc": average_precision_score(labels, probability),
        "brier": brier_score_loss(labels, probability),
        "ece": sum(abs((labels - probability)[bins == one].sum()) for one in set(bins)) / len(labels),
        "precision": precision_score(labels, probability >= THRESHOLD),
        "recall": recall_score(labels, probability >= THRESHOLD),
    }
    for name, figure in expected.items():
        assert drawn[name][seed % 1000] == pytest.approx(figure, abs=ROUGH.get(name, 1e-6)), name


@given(st.integers(0, 10_000), st.integers(3, 6))
def test_replicates_of_several_classes_are_exact_too(seed: int, classes: int) -> None:
    rows = predicted(seed, classes=classes)
    drawn = replicate_classes(rows.blocks, rows.labels, rows.probabilities)
    positions = repeated(rows, 7)
    labels, probabilities = rows.labels[positions], rows.probabilities[positions]
    said = probabilities.argmax(axis=1)
    expected = {
        "roc_auc": roc_auc_score(labels, probabilities, multi_class="ovr"),
        "macro_f1": f1_score(labels, said, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(labels, said),
        "log_loss": log_loss(labels, probabilities),
        "accuracy": accuracy_score(labels, said),
    }
    assert set(drawn) == set(expected)
    for name, figure in expected.items():
        assert drawn[name][7] == pytest.approx(figure, abs=ROUGH.get(name, 1e-6)), name


def test_an_interval_is_that_of_the_plain_bootstrap() -> None:
    rows = predicted(3)
    measured = measure_with_intervals(rows, THRESHOLD).as_json()
    plain = []
    for replicate in range(len(rows.blocks.weights)):
        positions = repeated(rows, replicate)
        plain.append(roc_auc_score(rows.labels[positions], rows.probabilities[positions, 1]))
    assert measured["roc_auc"] == round(roc_auc_score(rows.labels, rows.probabilities[:, 1]), 4)
    assert measured["intervals"]["roc_auc"] == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.004)
    assert "intervals_lack" not in measured


def test_95_of_100_intervals_hold_the_true_figure() -> None:
    """The truth: with these logits, the positive class wins in a share of pairs that a large sample shows."""
    truth = measure_with_intervals(predicted(0, rows=200_000, days=4000), THRESHOLD).figures["roc_auc"]
    held = 0
    for seed in range(1, 101):
        low, high = measure_with_intervals(predicted(seed, rows=1200, days=40), THRESHOLD).as_json()["intervals"][
            "roc_auc"
        ]
        held += low <= truth <= high
    assert 87 <= held <= 100


def width(rows: Predicted, metric: str = "brier") -> float:
    low, high = measure_with_intervals(rows, THRESHOLD).as_json()["intervals"][metric]
    return float(high - low)


def test_days_give_wider_intervals_than_rows_that_are_alike() -> None:
    rows = predicted(5, noise=0.5)
    by_row = Predicted(rows.labels, rows.probabilities, make_blocks(np.arange(len(rows.labels)), "row", 5))
    assert width(rows) > 1.3 * width(by_row)


def test_more_rows_than_replicates_can_draw_are_joined() -> None:
    rows = predicted(6, rows=6000, days=6000)
    assert (rows.blocks.count, rows.blocks.found) == (
        MAX_BLOCKS,
        len(np.unique(rows.blocks.of_rows)) and rows.blocks.found,
    )
    assert rows.blocks.found > 3 * MAX_BLOCKS
    errors = (rows.probabilities[:, 1] - rows.labels) ** 2
    assert width(rows) == pytest.approx(2 * 1.96 * errors.std() / len(errors) ** 0.5, rel=0.15)


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    rows = predicted(8)
    random = np.random.default_rng(8)
    worse = np.clip(rows.probabilities[:, 1] + 0.02 * random.normal(size=len(rows.labels)), 0, 1)
    one = measure_with_intervals(rows, THRESHOLD)
    other = measure_with_intervals(Predicted(rows.labels, np.column_stack([1 - worse, worse]), rows.blocks), THRESHOLD)
    found = one.minus(other)["brier"]
    assert found["difference"] == pytest.approx(one.figures["brier"] - other.figures["brier"], abs=1e-4)
    assert found["low"] <= found["difference"] <= found["high"] < 0  # type: ignore[operator]
    assert found["high"] - found["low"] < width(rows) / 3  # type: ignore[operator]
    turned = other.minus(one)["brier"]
    assert (turned["low"], turned["high"]) == (-found["high"], -found["low"])  # type: ignore[operator]


@pytest.mark.parametrize(("rows", "days"), [(20, 3), (20, 20), (2, 2), (400, 9)])
def test_few_rows_or_days_have_figures_and_a_reason(rows: int, days: int) -> None:
    random = np.random.default_rng(rows)
    labels = np.arange(rows) % 2
    positive = random.random(rows)
    blocks = make_blocks(np.arange(rows) % days, "day", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure_with_intervals(
            Predicted(labels, np.column_stack([1 - positive, positive]), blocks), 0.5
        ).as_json()
    assert 0 <= found["roc_auc"] <= 1
    if days < 10:
        assert set(found["intervals"].values()) == {None} and found["intervals_lack"] == "fewer than 10 days"
    else:
        assert found["intervals"]["brier"]


def test_a_figure_that_most_draws_cannot_have_has_no_interval() -> None:
    never = Blocks(np.zeros(3, dtype=int), 1, 1, np.ones((100, 1), dtype="float32"), "")
    assert interval_of(np.array([np.nan, 0.5]), 0.5) is None
    assert interval_of(np.full(100, 0.25), 0.5) == [0.5, 0.5]
    figures = Measured({"precision": 0.0}, {"precision": np.full(100, np.nan)}, never.lack).as_json()
    assert figures["intervals"] == {"precision": None}
    assert figures["intervals_lack"] == "a metric is undefined in too many replicates"
