"""A column that gives the label away is left out by name with the reason; an honest one is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.proposing.leaks import LIMIT, leak_of_values
from ml.proposing.proposal import Proposal
from tests.ml.proposing.conftest import by_name

LEAKS = {
    "was_called_off": "its values match those of the label one to one",  # the label under another name
    "is_nearly_cancelled": "leak: ROC AUC 0.99",  # a copy with noise
    "state": "leak: ROC AUC 1.000 alone; its values separate the classes",  # one value belongs to cancelled
    "status_code": "leak: ROC AUC 1.000",  # a code whose order says nothing
    "paid": "leak: ROC AUC 1.000",  # a number that follows from the label
    "middle": "leak: ROC AUC 0.99",  # a number in whose middle the positive rows are
    "cancelled_at": "it is present where the label is true",  # a consequence: a time
    "cancel_reason": "it is present where the label is true",  # a consequence: a text
    "parcels": "it is missing where the label is true",  # a consequence of the other class
}
HONEST = {"amount": "numeric", "items": "numeric", "is_gift": "numeric", "city": "categorical", "street": "categorical"}


@pytest.mark.parametrize(("name", "reason"), LEAKS.items())
def test_a_leak_of_each_kind_is_left_out_with_its_reason(
    proposed: Callable[..., Proposal], name: str, reason: str
) -> None:
    decision = by_name(proposed())[name]
    assert decision.use == "left out"
    assert decision.reason.startswith("leak: ROC AUC ")
    assert reason in decision.reason


@pytest.mark.parametrize(("name", "use"), HONEST.items())
def test_an_honest_column_stays_a_feature(proposed: Callable[..., Proposal], name: str, use: str) -> None:
    assert by_name(proposed())[name].use == use


def test_a_leak_of_one_of_several_classes_is_found(proposed: Callable[..., Proposal]) -> None:
    decisions = by_name(proposed("channel"))
    assert decisions["channel_code"].reason.endswith("its values match those of the label one to one")
    assert "alone for phone; it is present where the label is phone" in decisions["phone_desk"].reason
    assert decisions["city"].use == "categorical"


def test_many_categories_do_not_know_their_own_label() -> None:
    chance = np.random.default_rng(1)
    classes = chance.integers(0, 2, 3000)
    for values in (np.arange(3000.0), np.arange(3000.0) // 2, chance.integers(0, 900, 3000).astype(float)):
        assert leak_of_values(values, classes, is_category=True).auc < 0.6


def test_the_auc_is_that_of_scikit_learn() -> None:
    chance = np.random.default_rng(2)
    classes = chance.integers(0, 2, 500)
    values = np.round(classes * 2 + chance.normal(size=500), 1)
    found = leak_of_values(values, classes, is_category=False)
    assert found.how == "order"
    assert found.auc == pytest.approx(roc_auc_score(classes, values))


def test_numbers_with_missing_values_keep_their_order() -> None:
    chance = np.random.default_rng(3)
    classes = chance.integers(0, 2, 500)
    values = np.where(classes == 1, np.nan, chance.normal(size=500))
    assert leak_of_values(values, classes, is_category=False).auc == 1.0
    values[chance.random(500) < 0.5] = np.nan
    assert 0.7 < leak_of_values(values, classes, is_category=False).auc < 0.8


def test_a_number_that_tells_one_of_several_classes_apart_stays() -> None:
    chance = np.random.default_rng(4)
    classes = chance.integers(0, 3, 900)
    petals = np.array([1.5, 4.3, 5.0])[classes] + chance.normal(scale=0.5, size=900)
    assert leak_of_values(petals, classes, is_category=False).auc < LIMIT
    copy = classes + chance.normal(scale=0.05, size=900)
    assert leak_of_values(copy, classes, is_category=False).auc > LIMIT
