"""The limits of a model follow from its manifest: each sentence is there when its fact is, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.model_card.limits import describe_limits
from tests.pipeline.model_card.manifests import BINARY

SOUND: dict[str, Any] = {
    **BINARY,
    "rows": {"all": 10_000, "unlabelled": 0, "train": 6000, "validation": 2000, "test": 2000},
    "class_balance": {
        "not returned": {"share": 0.75, "train": 4500, "validation": 1500, "test": 1500},
        "returned": {"share": 0.25, "train": 1500, "validation": 500, "test": 500},
    },
    "blocks": {"unit": "day", "validation": 31, "test": 60},
    "metrics": {"roc_auc": 0.78, "ece": 0.01, "recall": 0.4, "intervals": {"roc_auc": [0.77, 0.79]}},
    "candidates": {"random_forest": {"has_converged": True}},
    "differences": {"validation": {"dummy": {"roc_auc": {"difference": 0.28, "low": 0.25, "high": 0.3}}}},
    "slices": [],
    "features_left_out": [],
}
ROWS, METRICS = SOUND["rows"], SOUND["metrics"]
BALANCE = SOUND["class_balance"]
CHANGES: dict[str, dict[str, Any]] = {
    "500 of 10,000 rows have no label (not delivered yet).": {"rows": {**ROWS, "unlabelled": 500}},
    "The model never predicts fax: 1 row in train.": {"classes_left_out": {"fax": "1 row in train"}},
    "Only 900 test rows": {"rows": {**ROWS, "test": 900}, "class_balance": {}},
    "Few test rows of a class: returned 20.": {
        "class_balance": {**BALANCE, "returned": {**BALANCE["returned"], "test": 20, "train": 0, "validation": 0}}
    },
    "Rows were divided at random.": {"split": {"kind": "random"}},
    "Measured on a shop that the model has not seen": {"split": {"kind": "group", "group_column": "shop"}},
    "The share of returned differs between the sets: 25.0 % of train, 40.0 % of validation, 25.0 % of test.": {
        "class_balance": {**BALANCE, "returned": {**BALANCE["returned"], "validation": 800}}
    },
    "The figures have no intervals: fewer than 10 days.": {
        "metrics": {**METRICS, "intervals": {"roc_auc": None}, "intervals_lack": "fewer than 10 days"}
    },
    "The figures have no intervals: an older version": {"metrics": {"roc_auc": 0.78}},
    "between 0.700 and 0.860 (95 %)": {"metrics": {**METRICS, "intervals": {"roc_auc": [0.7, 0.86]}}},
    "It is not clearly better than guessing": {"metrics": {**METRICS, "intervals": {"roc_auc": [0.49, 0.52]}}},
    "The intervals come from only 12 whole days": {"blocks": {"unit": "day", "validation": 31, "test": 12}},
    "hist_gradient_boosting was selected, but on validation it is not clearly better than random_forest": {
        "differences": {"validation": {"random_forest": {"roc_auc": {"difference": 0, "low": -0.01, "high": 0.01}}}}
    },
    "Did not converge within its max_iter, so it may be better than shown: logistic_regression.": {
        "candidates": {"logistic_regression": {"has_converged": False}}
    },
    "Probabilities differ from observed frequencies by 0.080 on average": {"metrics": {**METRICS, "ece": 0.08}},
    "At the threshold 0.25 no test row of the positive class is found.": {"metrics": {**METRICS, "recall": 0}},
    "Weaker in parts of the rows: shop NE (300 rows): low.": {
        "slices": [{"name": "shop", "value": "NE", "rows": 300, "is_weak": True, "why": "low"}]
    },
    "Declared but not used, because no training row has a value: empty.": {"features_left_out": ["empty"]},
}


def test_a_sound_model_has_no_limit() -> None:
    assert describe_limits(SOUND, "not delivered yet") == []


@pytest.mark.parametrize("sentence", CHANGES, ids=lambda sentence: sentence[:30])
def test_each_limit_follows_from_its_fact(sentence: str) -> None:
    limits = describe_limits({**SOUND, **CHANGES[sentence]}, "not delivered yet")
    assert [one for one in limits if sentence in one] != []
