"""The classes of a label are found in the data; a label that no model can learn is refused with what to do."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ml.encoding.frame_rows import FrameRows
from ml.errors import ModelError
from ml.learning.labels import Classes, find_classes
from ml.reading.frame import SET
from ml.task import Task
from tests.support.small.task import TASK

RANDOM: dict[str, Any] = {**TASK, "label": "cuisine", "split": {}, "threshold": None}


def classes_of(labels: dict[str | None, tuple[int, int, int]], **declared: Any) -> Classes:
    """Find the classes of a frame in which each label has so many rows in train, validation and test."""
    found = [
        (label, float(number))
        for label, rows_of_sets in labels.items()
        for number, rows in enumerate(rows_of_sets)
        for _ in range(rows)
    ]
    frame = pd.DataFrame({"cuisine": [label for label, _ in found], SET: [number for _, number in found]}, dtype=object)
    return find_classes(Task.model_validate({**RANDOM, **declared}), frame.astype({"cuisine": "category", SET: "int8"}))


SIX = (6, 2, 2)


@pytest.mark.parametrize(
    ("labels", "declared", "values"),
    [
        (["true", "false"], {}, ["false", "true"]),
        (["true", "false"], {"positive_value": False}, ["true", "false"]),
        (["0", "1"], {}, ["0", "1"]),
        (["1", "2"], {"positive_value": 1}, ["2", "1"]),
        (["churned", "active"], {"positive_value": "churned"}, ["active", "churned"]),
        (["10", "9", "-1"], {}, ["-1", "9", "10"]),
        (["thai", "Greek", "10"], {}, ["10", "Greek", "thai"]),
    ],
)
def test_the_order_of_the_classes_follows_from_their_values(
    labels: list[str], declared: dict[str, Any], values: list[str]
) -> None:
    found = classes_of(dict.fromkeys(labels, SIX), **declared)
    assert (found.values, found.is_binary) == (values, len(values) == 2)
    encoded = found.encode(FrameRows(pd.DataFrame({"label": [*values, None, "other"]})), "label")
    assert encoded[: len(values)].tolist() == list(range(len(values)))
    assert encoded[len(values) :].tolist() == [-1, -1]


MANY = {f"c{number:03d}": SIX for number in range(500)}
THREE: dict[str | None, tuple[int, int, int]] = {"thai": SIX, "greek": SIX, "fusion": (1, 0, 0)}
BAD: dict[str, tuple[dict[str | None, tuple[int, int, int]], dict[str, Any], str]] = {
    "constant": ({"thai": SIX}, {}, "cuisine is thai in all 10 labelled rows, so there is nothing to learn: load rows"),
    "unique": ({f"r{n}": (1, 0, 0) for n in range(9)}, {}, "cuisine is different in each of the 9 labelled rows"),
    "all missing": ({None: SIX}, {}, "marts.rows has no row with a cuisine: load some first, or correct ml/tasks"),
    "500 classes": (MANY, {}, "cuisine has 500 classes, and a model learns at most 50: group them in the mart"),
    "500 of leave_out": (MANY, {"rare_classes": "leave_out"}, "cuisine has 500 classes"),
    "a class of one row": (THREE, {}, "rows of cuisine: fusion (1 row in train, 0 rows in validation, 0 rows in test)"),
    "how to leave it out": (THREE, {}, "or leave such classes out with `rare_classes: leave_out`"),
    "one of two is rare": ({"true": SIX, "false": (9, 1, 0)}, {}, "too few labelled rows of cuisine: false (0 rows in"),
    "one class is left": (
        {"thai": SIX, "greek": (9, 1, 0), "fusion": (1, 0, 0)},
        {"rare_classes": "leave_out"},
        "fewer than two classes are left",
    ),
    "an empty set": ({"true": (9, 0, 9), "false": (9, 0, 9)}, {}, "the validation set has 0 labelled rows: load more"),
    "which is positive": ({"b": SIX, "a": SIX}, {}, "has two values, a, b: say which one is positive with `positive_v"),
    "an unknown positive": (
        {"b": SIX, "a": SIX},
        {"positive_value": "c"},
        "positive_value c is not a value of cuisine, which has a, b: correct it in ml/tasks/small.yml",
    ),
    "an unquoted yes": (
        {"yes": SIX, "no": SIX},
        {"positive_value": True},
        "positive_value true is not a value of cuisine, which has no, yes: correct it in ml/tasks/small.yml, in quotes",
    ),
    "a positive of three": (
        {"a": SIX, "b": SIX, "c": SIX},
        {"positive_value": "a"},
        "cuisine has 3 values, a, b, c, and positive_value, threshold and cost are for two: remove them from ml/tasks/small",
    ),
}


@pytest.mark.parametrize(("labels", "declared", "message"), BAD.values(), ids=BAD)
def test_a_label_that_cannot_be_learnt_is_refused(
    labels: dict[str | None, tuple[int, int, int]], declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError) as raised:
        classes_of(labels, **declared)
    assert message in str(raised.value)
    assert "small.yml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_rare_classes_are_left_out_by_name_if_the_task_says_so() -> None:
    found = classes_of({**THREE, "ramen": SIX}, rare_classes="leave_out")
    assert found.values == ["greek", "ramen", "thai"]
    assert found.left_out == {"fusion": "1 row in train, 0 rows in validation, 0 rows in test"}


def test_a_labelled_row_without_a_group_is_refused() -> None:
    task = Task.model_validate({**RANDOM, "split": {"group_column": "cafe"}})
    frame = pd.DataFrame({"cuisine": ["thai", "greek"], SET: [0, -1]})
    with pytest.raises(ModelError, match=r"1 labelled row of marts\.rows has no cafe, so their group cannot be kept"):
        find_classes(task, frame)
