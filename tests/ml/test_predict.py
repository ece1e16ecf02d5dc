"""Predicting is separate from writing scores, and no task's label is part of the predictions' table."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import ml.task
from ml.checking.staleness import check_staleness
from ml.predict import has_positive_label, load_model, predict
from ml.reading.frame import read_rows
from ml.score import score
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import TASK

COLUMNS = ["row_id", "model_id", "probability", "is_predicted_positive", "is_stale", "scored_at"]
COMMENT = """
    select col_description('predictions.small'::regclass, ordinal_position) from information_schema.columns
    where table_schema = 'predictions' and table_name = 'small' and column_name = 'is_predicted_positive'
"""


def test_predicting_writes_nothing(task: Path) -> None:
    train("small")
    model = load_model("small")
    probabilities = predict(model, read_rows(model.task))
    assert len(probabilities) == 600
    assert not check_staleness(model).is_stale
    assert rows("select to_regclass('predictions.small')") == [(None,)]


def test_written_scores_are_what_predict_returns(task: Path) -> None:
    train("small")
    score("small")
    model = load_model("small")
    frame = read_rows(model.task)
    probabilities = predict(model, frame)
    expected = zip(frame["row_id"], probabilities.round(6), has_positive_label(model, probabilities), strict=True)
    written = rows("select row_id, probability, is_predicted_positive from predictions.small")
    assert sorted(written) == sorted((key, float(value), bool(positive)) for key, value, positive in expected)


def test_part_of_the_rows_can_be_predicted(task: Path) -> None:
    train("small")
    model = load_model("small")
    frame = read_rows(model.task)
    assert list(predict(model, frame.head(3))) == list(predict(model, frame)[:3])


@pytest.mark.parametrize("word", ["late", "churned"])
def test_only_a_comment_names_the_positive_label(task: Path, word: str) -> None:
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "positive_label": word}))
    train("small")
    score("small")
    found = rows(
        "select column_name from information_schema.columns where table_schema = 'predictions'"
        " and table_name = 'small' order by ordinal_position"
    )
    assert [name for (name,) in found] == COLUMNS
    assert rows(COMMENT) == [(f"True when {word} is predicted: probability >= 0.5",)]
