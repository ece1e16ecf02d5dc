"""Two models are compared on identical rows, and exchanging them exchanges the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.registry.evaluation import EvaluatedRows, Evaluation, hash_keys, read_evaluation, write_evaluation
from ml.registry.paired import paired_difference
from ml.registry.verdict import common_rows, compare, read_verdict, write_verdict

IDS = ("new", "old")


def evaluated(seed: int, *, noise: float, rows: int = 600, classes: int = 2) -> EvaluatedRows:
    """Return a model's rows of 30 days; labels are the same for each seed of noise, predictions are not."""
    labels = np.random.default_rng(1).integers(0, classes, rows)
    scores = (labels[:, None] == np.arange(classes)) + np.random.default_rng(seed).normal(0, noise, (rows, classes))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return EvaluatedRows(
        np.arange(rows, dtype=np.uint64) * 7919,
        labels,
        np.arange(rows) % 30,
        probabilities[:, 1] if classes == 2 else probabilities,
    )


def taken(rows: EvaluatedRows, which: object) -> EvaluatedRows:
    return EvaluatedRows(rows.keys[which], rows.labels[which], rows.blocks[which], rows.probabilities[which])


@pytest.mark.parametrize("classes", [2, 4])
def test_a_better_model_is_better_and_exchanging_both_flips_it(classes: int) -> None:
    good, bad = evaluated(2, noise=0.4, classes=classes), evaluated(3, noise=2, classes=classes)
    verdict = compare(IDS, good, bad)
    assert (verdict.outcome, verdict.rows, verdict.blocks) == ("better", 600, 30)
    assert verdict.low is not None and verdict.high is not None
    assert 0 < verdict.low < verdict.difference < verdict.high < 0.6  # type: ignore[operator]
    other = compare(IDS[::-1], bad, good)  # type: ignore[arg-type]
    assert other == verdict.flipped() and other.outcome == "worse" and other.is_worse


@pytest.mark.parametrize("classes", [2, 3])
def test_equal_models_have_no_clear_difference(classes: int) -> None:
    verdict = compare(IDS, evaluated(2, noise=1, classes=classes), evaluated(2, noise=1, classes=classes))
    assert (verdict.outcome, verdict.difference, verdict.low, verdict.high) == ("no difference", 0, 0, 0)


def test_the_figures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    for classes, options in ((2, {}), (4, {"multi_class": "ovr", "average": "macro"})):
        rows, other = evaluated(2, noise=1, classes=classes), evaluated(3, noise=1, classes=classes)
        found = compare(IDS, rows, other)
        assert found.value == pytest.approx(roc_auc_score(rows.labels, rows.probabilities, **options))
        assert found.other == pytest.approx(roc_auc_score(rows.labels, other.probabilities, **options))


def test_rows_are_matched_by_their_key_in_any_order() -> None:
    rows, other = evaluated(2, noise=1), evaluated(3, noise=1)
    shuffled = np.random.default_rng(4).permutation(len(other))
    assert compare(IDS, rows, taken(other, shuffled)) == compare(IDS, rows, other)


def test_rows_with_another_label_are_not_compared() -> None:
    rows, other = evaluated(2, noise=1), evaluated(3, noise=1)
    changed = EvaluatedRows(other.keys, np.where(np.arange(600) < 30, 1 - other.labels, other.labels),
                            other.blocks, other.probabilities)  # fmt: skip
    assert compare(IDS, rows, changed).rows == 570
    assert all(
        np.array_equal(*(getattr(one, name) for one in common_rows(rows, changed))) for name in ("keys", "labels")
    )


@pytest.mark.parametrize(("kept", "outcome"), [(540, "no difference"), (539, "not comparable")])
def test_fewer_than_nine_tenths_common_rows_are_not_comparable(kept: int, outcome: str) -> None:
    rows = evaluated(2, noise=1)
    verdict = compare(IDS, rows, taken(rows, slice(kept)))
    assert verdict.outcome == outcome
    assert compare(IDS, taken(rows, slice(kept)), rows).outcome == outcome
    if kept < 540:
        assert str(verdict).startswith("not comparable with old: only 539 of 600 rows are common to both")


def test_other_classes_or_one_class_are_not_comparable() -> None:
    assert "it has other classes" in str(compare(IDS, evaluated(2, noise=1, classes=3), evaluated(2, noise=1)))
    rows = evaluated(2, noise=1)
    positive = taken(rows, rows.labels == 1)
    assert "a single class" in compare(IDS, positive, positive).reason
    few = taken(rows, rows.blocks < 9)
    assert compare(IDS, few, few).reason == "the common rows are of 9 blocks, fewer than 10"


def test_whole_days_are_less_certain_than_single_rows() -> None:
    """The second model errs on whole days: as single rows that would look certain, as three days it is not."""
    rows = evaluated(2, noise=1)
    blocks = np.arange(600) % 3
    hurt = np.where(blocks == 0, 0.5, rows.probabilities)
    by_day = paired_difference(rows.labels, blocks, rows.probabilities, hurt)
    by_row = paired_difference(rows.labels, np.arange(600), rows.probabilities, hurt)
    assert by_day is not None and by_row is not None
    assert by_row.low > 0 >= by_day.low


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(8, 14), st.floats(0.2, 3), st.integers(0, 2))
def test_exchanging_any_two_evaluations_flips_the_verdict(
    seed: int, classes: int, days: int, noise: float, decimals: int
) -> None:
    def drawn(number: int, noise: float) -> EvaluatedRows:
        made = evaluated(number, noise=noise, rows=60, classes=classes)
        random = np.random.default_rng(number)
        labels = np.where(random.random(60) < 0.02, 0, made.labels)
        rounded = EvaluatedRows(made.keys, labels, made.keys.astype(int) % days, made.probabilities.round(decimals + 1))
        return taken(rounded, random.permutation(60)[: random.integers(57, 61)])

    own, other = drawn(seed, noise), drawn(seed + 1, 1)
    assert compare(IDS[::-1], other, own) == compare(IDS, own, other).flipped()  # type: ignore[arg-type]


def test_an_evaluation_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = evaluated(2, noise=1)
    keys = np.array([9, 3, 5], dtype=np.uint64)
    write_evaluation(Evaluation(rows, taken(rows, slice(9)), keys), tmp_path)
    first = (tmp_path / "evaluation.npz").read_bytes()
    found = read_evaluation(tmp_path)
    assert found is not None and found.labelled.tolist() == [3, 5, 9] and len(found.test) == 9
    assert compare(IDS, found.validation, rows).difference == 0
    write_evaluation(Evaluation(rows, taken(rows, slice(9)), keys), tmp_path)
    assert (tmp_path / "evaluation.npz").read_bytes() == first
    (tmp_path / "evaluation.npz").write_bytes(first[: len(first) // 2])
    assert read_evaluation(tmp_path) is None


def test_a_verdict_comes_back_as_it_was_written(tmp_path: Path) -> None:
    verdict = compare(IDS, evaluated(2, noise=1), evaluated(3, noise=1))
    assert read_verdict(tmp_path) is None
    write_verdict(verdict, tmp_path)
    assert read_verdict(tmp_path) == verdict
    (tmp_path / "verdict.json").write_text("{")
    assert read_verdict(tmp_path) is None


def test_the_hash_of_a_key_depends_on_its_texts_alone() -> None:
    keys = pd.DataFrame({"order_id": ["1", "2", "a"], "line": ["2", "1", "é"]})
    hashes = hash_keys(keys)
    assert hashes.dtype == np.uint64 and len(set(hashes.tolist())) == 3
    assert hash_keys(keys.iloc[::-1]).tolist() == hashes.tolist()[::-1]
    assert hash_keys(keys.astype("string")).tolist() == hashes.tolist() == hash_keys(keys.astype("category")).tolist()
    assert hash_keys(keys[["line", "order_id"]]).tolist() != hashes.tolist()
    assert hashes.tolist()[0] == 14106854039496393492  # a change of this value makes every older evaluation unusable
