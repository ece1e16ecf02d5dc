"""A mart that is written between its hash and its reading, and written back, is hashed and read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.reading import kept
from ml.reading.frame import read_rows, stream_rows
from ml.registry.promotion import promote
from ml.score import score
from ml.searching import fitting
from ml.searching.search import search
from ml.task import read_task
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import TASK, execute

PREDICTIONS = "select row_id, probability from predictions.small order by 1"
FLIP = "update marts.rows set delay = -delay, is_late = is_late <> (row_id like '%3')"  # twice: nothing
CHANGES = [
    (FLIP, FLIP),
    ("insert into marts.rows values ('x', '2013-02-01', true, 'NE', 7)", "delete from marts.rows where row_id = 'x'"),
]


@pytest.fixture(params=CHANGES, ids=["changed and changed back", "inserted and deleted"])
def meanwhile(request: pytest.FixtureRequest) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes a reader read changed rows the first time, which are changed back at once."""
    change, change_back = request.param

    def disturbed(read: Callable[..., Any]) -> Callable[..., Any]:
        calls: list[tuple[Any, ...]] = []

        def read_changed(*arguments: Any) -> Any:
            calls.append(arguments)
            if len(calls) > 1:
                return read(*arguments)
            execute(change)
            try:
                found = read(*arguments)
                return found if hasattr(found, "columns") else iter(list(found))
            finally:
                execute(change_back)

        return read_changed

    return disturbed


@pytest.fixture(params=["table", "view"])
def declared(request: pytest.FixtureRequest, task: Path) -> Path:
    """Declare the task on the table of rows or on a view of it; return the folder of its models."""
    execute("create view marts.shown as select * from marts.rows", "grant select on marts.shown to waybill_trainer")
    table = "rows" if request.param == "table" else "shown"
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "table": table}))
    return task


def scored_again() -> list[tuple[Any, ...]]:
    """Return the predictions, made as if for the first time."""
    execute("drop view if exists predictions.small", "drop table if exists predictions.small_by_model")
    score("small")
    return rows(PREDICTIONS)


def test_score_stores_predictions_of_the_rows_that_it_hashed(
    declared: Path, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("small")
    score("small")
    honest = scored_again()
    monkeypatch.setattr(kept, "stream_rows", meanwhile(stream_rows))
    assert scored_again() == honest


def test_promote_stores_predictions_of_the_rows_that_it_hashed(
    task: Path, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_id = str(train("small").manifest["model_id"])
    score("small")
    honest = scored_again()
    execute("drop view predictions.small", "drop table predictions.small_by_model")
    monkeypatch.setattr(kept, "stream_rows", meanwhile(stream_rows))
    assert "600 predictions written" in promote("small", model_id)
    assert rows(PREDICTIONS) == honest


def test_trials_are_bound_to_the_rows_that_they_were_measured_on(
    declared: Path, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched() -> list[dict[str, float]]:
        found = search(read_task("small"), 0, lambda trial, elapsed: None)
        (declared / "trials.jsonl").unlink()
        return [trial.validation for trial in found.trials]

    honest = searched()
    monkeypatch.setattr(fitting, "read_rows", meanwhile(read_rows))
    assert searched() == honest and len(honest) == 1
