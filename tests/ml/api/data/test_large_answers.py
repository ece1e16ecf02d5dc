"""Answers with long texts: the queue and its batches have limits in bytes, and what takes too long is divided."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from ml.api.data import answers as module
from ml.api.data import storing
from ml.api.data.answers import AnswerWriter
from ml.prediction_tables.answers import make_answers_table
from tests.ml.api.data.test_answer_writer import MODEL, answers, wait_until
from tests.support.databases import rows
from tests.support.small.task import execute

LONG = {"t": "x" * 50_000}
# a row takes 100 ms, one with a feature that is called so takes longer than any statement may
SLOW = """
create function predictions.slow() returns trigger language plpgsql as $$
begin
    perform pg_sleep(case when new.features ? 'slow' then 60 else 0.1 end);
    return new;
end
$$;
create trigger slow before insert on predictions.small_answers for each row execute function predictions.slow()
"""


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the batches that were tried, which grows."""
    found: list[int] = []
    add_rows = storing.add_rows

    def note(cursor: Any, task: str, given: list[dict[str, Any]]) -> None:
        found.append(len(given))
        add_rows(cursor, task, given)

    monkeypatch.setattr(storing, "add_rows", note)
    return found


def test_a_queue_has_room_for_so_many_bytes(database: str) -> None:
    with closing(AnswerWriter(max_bytes=110_000)) as writer:
        writer.add("small", MODEL, answers(3, features=LONG))
        assert writer.lost == 1
        writer.add("small", MODEL, answers(1, key={"k": "x" * 110_000}))
        assert writer.lost == 2
    assert (writer.written, writer.waiting) == (2, 0)


def test_what_was_written_makes_room(database: str) -> None:
    with closing(AnswerWriter(max_bytes=60_000)) as writer:
        for written in range(1, 4):
            writer.add("small", MODEL, answers(1, features=LONG))
            wait_until(lambda: writer.waiting == 0)
            assert (writer.written, writer.lost) == (written, 0)


def test_a_batch_has_so_many_bytes(database: str, batches: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    make_answers_table("small")
    monkeypatch.setattr(module, "BATCH_BYTES", 200_000)
    with closing(AnswerWriter()) as writer:
        writer.add("small", MODEL, answers(20, features=LONG))
    assert batches == [3] * 6 + [2]
    assert (writer.written, writer.lost) == (20, 0)


def test_a_batch_that_takes_too_long_is_halved(
    database: str, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_answers_table("small")
    execute(SLOW)
    monkeypatch.setitem(storing.SESSION, "statement_timeout", "300ms")
    with closing(AnswerWriter()) as writer:
        writer.add("small", MODEL, answers(8))
        writer.close(20)
    assert batches == [8, 4, 2, 2, 4, 2, 2]
    assert (writer.written, writer.lost) == (8, 0)
    assert rows("select count(*) from predictions.small_answers") == [(8,)]


def test_a_row_that_always_takes_too_long_is_lost(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_answers_table("small")
    execute(SLOW)
    monkeypatch.setitem(storing.SESSION, "statement_timeout", "300ms")
    with closing(AnswerWriter()) as writer:
        writer.add("small", MODEL, [*answers(1, features={"slow": 1.0}), *answers(1)])
        writer.close(20)
    assert (writer.written, writer.lost) == (1, 1)


def test_no_value_of_a_row_is_logged(database: str, caplog: pytest.LogCaptureFixture) -> None:
    with closing(AnswerWriter()) as writer:
        writer.add("small", MODEL, answers(1, probability=1.5, features={"t": "canary"}))
    assert writer.lost == 1
    assert "violates check constraint" in caplog.text
    assert "canary" not in caplog.text
