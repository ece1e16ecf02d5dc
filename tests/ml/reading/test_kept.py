"""Scoring takes the rows that training read in the same process, or streams them; both give the same predictions."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ml.errors import ModelError
from ml.reading import kept
from ml.reading.frame import read_rows, stream_rows
from ml.reading.in_thread import READING_THREAD
from ml.score import score
from ml.task import read_task
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import execute

PREDICTIONS = "select row_id, model_id, probability, is_predicted_positive, is_stale from predictions.small order by 1"


def reading_threads() -> list[str]:
    """Return the names of the threads that still read rows of a mart."""
    return [thread.name for thread in threading.enumerate() if thread.name == READING_THREAD]


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pieces of 70 rows; return a list of the sizes of all that were streamed from the mart."""
    sizes: list[int] = []

    def counted(*arguments: Any) -> Any:
        for piece in stream_rows(*arguments):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(kept, "PIECE_ROWS", 70)
    monkeypatch.setattr(kept, "stream_rows", counted)
    return sizes


def test_kept_and_streamed_rows_give_the_same_predictions(task: Path, streamed: list[int]) -> None:
    train("small")
    score("small")
    assert streamed == []
    of_kept = rows(PREDICTIONS)
    execute("drop view predictions.small", "drop table predictions.small_by_model")
    score("small")
    assert streamed == [70] * 8 + [40]
    assert rows(PREDICTIONS) == of_kept
    assert len(of_kept) == 600


def test_rows_that_changed_since_training_are_read_again(task: Path, streamed: list[int]) -> None:
    train("small")
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    score("small")
    assert sum(streamed) == 600
    assert kept._kept == []


def test_a_piece_that_cannot_be_written_changes_nothing(task: Path, streamed: list[int]) -> None:
    execute("alter table marts.rows alter delay type double precision")
    train("small")
    score("small")
    before = rows(PREDICTIONS)
    execute("update marts.rows set delay = 'infinity' where row_id = 'r119'")  # of the last day
    with pytest.raises(ModelError, match="holds infinity in delay"):
        score("small")
    assert sum(streamed) == 560
    assert rows(PREDICTIONS) == before
    assert not reading_threads()


def test_an_abandoned_stream_ends_its_query_and_its_thread(task: Path) -> None:
    execute("insert into marts.rows select 'm' || n, date '2013-01-01' from generate_series(1, 200000) as n")
    stream = stream_rows(read_task("small").task, 50)
    assert len(next(stream)) == 50
    stream.close()
    assert not reading_threads()
    assert rows("select count(*) from pg_stat_activity where application_name = 'waybill trainer'") == [(0,)]


@pytest.mark.parametrize("unique", ["", "alter table marts.rows add unique (row_id)"], ids=["unknown", "proved"])
def test_a_key_is_checked_unless_an_index_proves_it(task: Path, unique: str) -> None:
    execute(unique or "select")
    declared = read_task("small").task
    assert len(read_rows(declared)) == 600
    if not unique:
        execute("insert into marts.rows select * from marts.rows where row_id in ('r1', 'r2')")
        with pytest.raises(ModelError, match="has 2 rows with a key that another row has"):
            read_rows(declared)
        with pytest.raises(ModelError, match="has 2 rows with a key that another row has"):
            next(stream_rows(declared))


@pytest.mark.parametrize("kind", ["double precision", "numeric"])
@pytest.mark.parametrize("value", ["3.5e38", "-1e300"])
def test_a_number_beyond_32_bits_is_refused_by_name(task: Path, kind: str, value: str) -> None:
    execute(f"alter table marts.rows alter delay type {kind}", f"update marts.rows set delay = {value} where delay = 5")
    with pytest.raises(ModelError, match=r"holds a number above 3\.4e38 in delay: a model learns from 32-bit numbers"):
        read_rows(read_task("small").task)
