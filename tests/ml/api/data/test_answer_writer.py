"""Answers are stored in the background: none twice, what is lost is counted, and no request waits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ml.api.data.answers import Answer, AnswerWriter
from ml.prediction_tables.answers import make_answers_table
from tests.support.databases import rows
from tests.support.small.task import execute
from warehouse import embedded
from warehouse.connection import current_warehouse, cursor_of, forget
from waybill.identifiers import uuid7

MODEL = str(uuid7())
AT = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)


@pytest.fixture
def writer(database: str) -> Iterator[AnswerWriter]:
    writer = AnswerWriter()
    yield writer
    writer.close(0)


def answers(count: int = 1, **given: Any) -> list[Answer]:
    values: dict[str, Any] = {
        "key": None, "features": {"a": 1.5}, "probability": 0.25, "is_predicted_positive": False,
        "answered_at": datetime.now(UTC), **given,
    }  # fmt: skip
    return [Answer(prediction_id=uuid7(), **values) for _ in range(count)]


def wait_until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def server_is_ours() -> Any:
    server = current_warehouse().server
    if server is None:
        pytest.skip("kills the embedded server")
    return server


def test_an_answer_is_stored_as_it_was_given(writer: AnswerWriter) -> None:
    features = {"n": 0.1, "tiny": 1e-310, "large": 3.4e38, "none": None, "text": 'é"\\ \n'}
    (binary,) = answers(key={"id": 2**70, "day": "2024-02-29"}, features=features, answered_at=AT, probability=1 / 3)
    (several,) = answers(probability=None, is_predicted_positive=None, predicted_label="a", probabilities={"a": 0.7, "b": 0.3})  # fmt: skip
    writer.add("small", MODEL, [binary])
    writer.add("small", MODEL, [several])
    writer.close()
    assert (writer.written, writer.lost, writer.waiting) == (2, 0, 0)
    stored = rows(
        "select prediction_id, answered_at, model_id, key, features, probability, is_predicted_positive,"
        " predicted_label, probabilities from predictions.small_answers order by 1"
    )
    stored[0][4]["large"] = float(stored[0][4]["large"])  # jsonb writes it as an integer
    assert stored == [
        (str(binary.prediction_id), AT, MODEL, binary.key, features, 1 / 3, False, None, None),
        (str(several.prediction_id), several.answered_at, MODEL, None, {"a": 1.5}, None, None, "a", {"a": 0.7, "b": 0.3}),
    ]  # fmt: skip


def test_answers_of_several_tasks_have_their_own_tables(writer: AnswerWriter) -> None:
    for task, count in (("one", 700), ("two", 3), ("one", 1)):
        writer.add(task, MODEL, answers(count))
    writer.close()
    assert writer.written == 704
    assert rows("select count(*) from predictions.one_answers") == [(701,)]
    assert rows("select count(*) from predictions.two_answers") == [(3,)]


def test_a_full_queue_loses_answers_and_never_blocks(database: str) -> None:
    server = server_is_ours()
    embedded.stop(server)
    writer = AnswerWriter(max_waiting=1000)
    began = time.monotonic()
    for _ in range(30):
        writer.add("small", MODEL, answers(50))
    assert time.monotonic() - began < 0.5
    assert (writer.waiting, writer.lost) == (1000, 500)
    embedded.start(server)
    wait_until(lambda: writer.written == 1000)
    writer.add("small", MODEL, answers(50))
    writer.close()
    assert (writer.written, writer.lost) == (1050, 500)
    assert rows("select count(*) from predictions.small_answers") == [(1050,)]


def test_closing_while_the_database_is_away_ends_in_time(database: str) -> None:
    make_answers_table("small")
    server = server_is_ours()
    writer = AnswerWriter()
    embedded.stop(server)
    writer.add("small", MODEL, answers(10))
    began = time.monotonic()
    writer.close(0.5)
    assert time.monotonic() - began < 2
    assert (writer.written, writer.lost, writer.waiting) == (0, 10, 0)
    writer.add("small", MODEL, answers(3))
    assert writer.lost == 13
    embedded.start(server)


def test_killed_servers_lose_no_answer_and_store_none_twice(database: str) -> None:
    server = server_is_ours()
    writer, ids = AnswerWriter(), set[UUID]()
    make_answers_table("small")

    def answer_for(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            given = answers(7)
            ids.update(one.prediction_id for one in given)
            writer.add("small", MODEL, given)
            time.sleep(0.001)

    for _ in range(3):
        answer_for(0.4)
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        answer_for(0.3)
        forget()
        with cursor_of("owner"):  # starts it
            pass
    answer_for(0.2)
    writer.close(20)
    stored = {UUID(one) for (one,) in rows("select prediction_id from predictions.small_answers")}
    assert (writer.written + writer.lost, writer.lost) == (len(ids), 0)
    assert stored == ids


def test_an_answer_that_was_stored_unseen_is_not_stored_twice(writer: AnswerWriter) -> None:
    """As after a server that was killed between the commit and its message."""
    given = answers(3)
    for batch in (given[:2], given):
        writer.add("small", MODEL, batch)
        wait_until(lambda: writer.waiting == 0)
    assert (writer.written, writer.lost) == (5, 0)
    assert rows("select count(*) from predictions.small_answers") == [(3,)]


@pytest.mark.parametrize("change", ["drop table", "revoke insert"])
def test_a_table_that_is_gone_is_made_again(writer: AnswerWriter, change: str) -> None:
    writer.add("small", MODEL, answers())
    wait_until(lambda: writer.written == 1)
    on, whom = (" on", " from waybill_api") if change == "revoke insert" else ("", "")
    execute(f"{change}{on} predictions.small_answers{whom}")
    writer.add("small", MODEL, answers(5))
    writer.close()
    assert (writer.written, writer.lost) == (6, 0)


def test_answers_are_lost_where_the_table_is_anothers(writer: AnswerWriter, caplog: pytest.LogCaptureFixture) -> None:
    execute("create table predictions.small_answers (n int)")
    writer.add("small", MODEL, answers(1200))
    writer.add("other", MODEL, answers(3))
    writer.close()
    assert (writer.written, writer.lost) == (3, 1200)
    (line,) = [record.message for record in caplog.records if "cannot be stored" in record.message]
    assert "task=small error=predictions.small_answers has other columns" in line
    assert caplog.records[-1].message == "some answers were not stored lost=1200 written=3"


@pytest.mark.parametrize("bad", [{"features": {"t": "\0"}}, {"features": {"t": "\ud800"}}, {"probability": 1.5}])
def test_a_value_that_cannot_be_stored_loses_its_row_only(writer: AnswerWriter, bad: dict[str, Any]) -> None:
    writer.add("small", MODEL, [*answers(20), *answers(**bad), *answers(20)])
    writer.close()
    assert (writer.written, writer.lost) == (40, 1)


def test_a_locked_table_delays_answers_and_loses_none(writer: AnswerWriter) -> None:
    make_answers_table("small")
    with cursor_of("trainer") as cursor:
        cursor.execute("lock table predictions.small_answers in access exclusive mode")
        writer.add("small", MODEL, answers(10))
        time.sleep(0.3)
        assert (writer.waiting, writer.written) == (10, 0)
    wait_until(lambda: writer.written == 10)


def test_old_answers_are_deleted_when_the_api_starts(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_API_KEEP_DAYS", "2")
    first = AnswerWriter()
    first.add("small", MODEL, answers(4, answered_at=datetime.now(UTC) - timedelta(days=3)) + answers(2))
    first.close()
    second = AnswerWriter()
    wait_until(lambda: rows("select count(*) from predictions.small_answers") == [(2,)])
    second.close()
    assert second.lost == 0
