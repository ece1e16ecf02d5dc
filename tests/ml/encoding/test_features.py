"""The matrices of candidates: categories by their text, whatever codes a frame gives them; numbers by rank."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, TargetEncoder

from ml.encoding.features import MAX_ONE_HOT, LinearFeatures, TreeFeatures
from ml.encoding.frame_rows import FrameRows
from ml.encoding.normal_scores import NormalScores

ROWS = 2000
TEXTS = ["north", "south", "east", "west", "rare"]


def frame(seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    codes = np.where(random.random(ROWS) < 0.01, 4, random.integers(0, 4, ROWS))
    shop = pd.Categorical.from_codes(np.where(random.random(ROWS) < 0.1, -1, codes), TEXTS)
    delay = np.where(random.random(ROWS) < 0.2, np.nan, random.exponential(size=ROWS)).astype("float32")
    return pd.DataFrame({"key": [f"k{n}" for n in range(ROWS)], "shop": shop, "delay": delay, "flag": codes % 2 * 1.0})


def labels(of: pd.DataFrame) -> Any:
    random = np.random.default_rng(5)
    return ((of["shop"] == "north").to_numpy() + random.random(len(of)) > 0.8).astype("int8")


def fitted(kind: str) -> Any:
    features: Any = {
        "tree": TreeFeatures(["shop"], ["delay", "flag"], classes=2, seed=1, dtype="float64"),
        "classes": TreeFeatures(["shop"], ["delay", "flag"], classes=3, seed=1, dtype="float32"),
        "many": TreeFeatures(["shop"], ["delay", "flag"], classes=20, seed=1, dtype="float32"),
        "linear": LinearFeatures(["shop"], ["delay", "flag"], seed=1),
    }[kind]
    classes = {"tree": 2, "linear": 2, "classes": 3, "many": 20}[kind]
    features.fit_transform(frame(), labels(frame()) if classes == 2 else np.arange(ROWS) % classes)
    return features


KINDS = ("tree", "classes", "many", "linear")


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_a_frame_do_not_change_the_matrix(kind: str) -> None:
    features, other = fitted(kind), frame(2)
    expected = features.transform(other)
    turned = other.assign(shop=other["shop"].cat.reorder_categories(TEXTS[::-1]).cat.add_categories("unused"))
    assert np.array_equal(features.transform(turned), expected, equal_nan=True)
    as_text = other.assign(shop=other["shop"].astype("object"))
    assert np.array_equal(features.transform(as_text), expected, equal_nan=True)


def test_texts_are_numbered_in_their_own_order() -> None:
    turned = frame().assign(shop=frame()["shop"].cat.reorder_categories(TEXTS[::-1]))
    learnt = [LinearFeatures(["shop"], [], seed=1).fit_transform(one, None) for one in (frame(), turned)]
    assert np.array_equal(*learnt)


@pytest.mark.parametrize("kind", KINDS)
def test_some_rows_have_the_matrix_of_a_copy_of_them(kind: str) -> None:
    features, other = fitted(kind), frame(3)
    positions = np.array([1999, 3, 700, 3])
    rows = FrameRows(other, positions)
    assert np.array_equal(features.transform(rows), features.transform(other.iloc[positions]), equal_nan=True)
    sent = pickle.loads(pickle.dumps(rows))
    assert list(sent.frame.columns) == ["shop", "delay", "flag"] and len(sent) == 4
    assert np.array_equal(features.transform(sent), features.transform(rows), equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_knows_the_columns_that_it_fills(kind: str) -> None:
    features, other = fitted(kind), frame(4)
    matrix = features.transform(other)
    for name in ("shop", "delay", "flag"):
        changed = other.assign(**{name: other[name].take(np.arange(ROWS)[::-1]).to_numpy()})
        different = ~np.isclose(features.transform(changed), matrix, equal_nan=True).all(axis=0)
        assert set(np.flatnonzero(different)) == set(features.columns_of(name)), name


def test_shares_of_a_category_are_those_of_scikit_learn() -> None:
    features = TreeFeatures(["shop"], [], classes=2, seed=1, dtype="float64")
    learnt = features.fit_transform(frame(), labels(frame()))
    texts = frame()[["shop"]].astype("object").fillna("missing")
    plain = TargetEncoder(target_type="binary", cv=features._encoder().cv)
    assert learnt == pytest.approx(plain.fit_transform(texts, labels(frame())))
    assert features.transform(frame(2)) == pytest.approx(
        plain.transform(frame(2)[["shop"]].astype("object").fillna("missing"))
    )


def test_one_column_for_each_frequent_value_and_one_for_the_rare() -> None:
    features = LinearFeatures(["shop"], [], seed=1)
    learnt = features.fit_transform(frame(), None)
    texts = frame()[["shop"]].astype("object").fillna("missing")
    plain = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=50, sparse_output=False)
    expected = plain.fit_transform(texts)
    assert learnt.shape == expected.shape
    assert sorted(map(tuple, learnt.T.tolist())) == sorted(map(tuple, expected.T.tolist()))
    unknown = features.transform(pd.DataFrame({"shop": pd.Categorical(["never seen", "rare"])}))
    assert unknown[0].tolist() == unknown[1].tolist() and unknown[0].sum() == 1


def test_a_wide_category_is_bounded() -> None:
    wide = pd.DataFrame({"shop": pd.Categorical([f"s{n % 500}" for n in range(60_000)])})
    assert LinearFeatures(["shop"], [], seed=1).fit_transform(wide, None).shape[1] <= MAX_ONE_HOT + 1


def test_numbers_become_normal_scores_of_their_rank() -> None:
    random = np.random.default_rng(3)
    column = random.exponential(size=20_000).astype("float32")
    scores = NormalScores(seed=1).fit(column)
    matrix = np.zeros((len(column), 1), dtype="float32")
    scores.fill(column, matrix)
    plain = QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=1)
    expected = plain.fit_transform(column[:, None])[:, 0]
    assert np.abs(matrix[:, 0] - expected / expected.std())[np.abs(expected) < 2].max() < 0.1
    assert (abs(matrix.mean()), matrix.std()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


@pytest.mark.parametrize("column", [[np.nan] * 3, [1.0], [2.0, 2.0, np.nan], [0.0, 1e38, -1e38]])
def test_an_odd_column_gives_finite_scores(column: list[float]) -> None:
    values = np.array(column, dtype="float32")
    scores = NormalScores(seed=1).fit(values)
    matrix = np.zeros((len(values), scores.width), dtype="float32")
    scores.fill(np.where(np.isnan(values), 5, values).astype("float32"), matrix)
    assert np.isfinite(matrix).all()
    scores.fill(values, matrix)
    assert np.isfinite(matrix).all()
