"""A backend that is away, slow or too slow costs events, which are counted, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.openlineage.sender import MAX_WAITING, Sender
from pipeline.openlineage.state_changes import Begun, StateChange
from waybill.observing.work import Work

CHANGE = StateChange("START", Begun(Work("stage", "load")))


class Backend:
    """A backend that answers, refuses, or answers only when the test ends."""

    def __init__(self, error: Exception | None = None, *, hangs: bool = False, limit_seconds: float = 10) -> None:
        self.error, self.answers = error, threading.Event()
        self.hangs, self.limit_seconds, self.taken, self.released = hangs, limit_seconds, 0, 0
        self.reason: str | None = None

    def send(self, change: StateChange) -> None:
        if self.hangs:
            self.answers.wait(60)
        if self.error:
            raise self.error
        self.taken += 1

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def hanging() -> Iterator[Backend]:
    backend = Backend(hangs=True, limit_seconds=0.2)
    yield backend
    backend.answers.set()


def test_all_are_sent_in_their_order_before_the_end() -> None:
    backend, outcomes = Backend(), list[bool]()
    sender = Sender(lambda: backend)
    for _ in range(300):
        sender.put(CHANGE, then=outcomes.append)
    sender.finish()
    assert (backend.taken, outcomes) == (300, [True] * 300)
    assert backend.released >= 1


def test_refused_events_are_counted_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = list[bool]()
    sender = Sender(lambda: Backend(ConnectionRefusedError("http://user:secret@host refused")))
    for _ in range(3):
        sender.put(CHANGE, CHANGE, then=outcomes.append)
    sender.finish()
    sender.finish()
    assert [record.getMessage() for record in caplog.records] == [
        "6 of 6 OpenLineage events are lost, and the work is not affected reason=the backend refused the connection"
    ]
    assert outcomes == [False] * 3


def test_a_hanging_backend_is_not_waited_for(hanging: Backend, caplog: pytest.LogCaptureFixture) -> None:
    outcomes = list[bool]()
    sender = Sender(lambda: hanging)
    for _ in range(10):
        sender.put(CHANGE, then=outcomes.append)
    sender.finish()
    assert outcomes == [False] * 10, "nobody learns what becomes of them"
    [record] = caplog.records
    assert record.getMessage() == (
        "10 of 10 OpenLineage events are lost, and the work is not affected reason=the backend did not answer in time"
    )


def test_all_ends_together_wait_no_longer_than_the_limit(hanging: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, waits = Sender(lambda: hanging), list[float]()
    wait_for = sender._changed.wait_for

    def counted(predicate, timeout):  # type: ignore[no-untyped-def]
        waits.append(timeout)
        return wait_for(predicate, timeout)

    monkeypatch.setattr(sender._changed, "wait_for", counted)
    for _ in range(4):
        sender.put(CHANGE)
        sender.finish()
    assert waits[0] == 0.2 and waits[1:] == [0, 0, 0]


def test_a_full_queue_loses_events_and_not_memory(hanging: Backend, caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(lambda: hanging)
    for _ in range(MAX_WAITING + 500):
        sender.put(CHANGE)
    assert len(sender._waiting) <= MAX_WAITING
    sender.finish()
    assert caplog.records[0].getMessage().startswith("1,500 of 1,500 OpenLineage events are lost")


def test_a_backend_that_cannot_be_opened_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Backend:
        raise RuntimeError("Log file `/nowhere` is not writeable")

    sender = Sender(fail)
    sender.put(CHANGE)
    sender.finish()
    assert caplog.records[0].getMessage() == (
        "1 of 1 OpenLineage event is lost, and the work is not affected reason=Log file `/nowhere` is not writeable"
    )


def test_events_that_were_given_up_are_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    backend, outcomes = Backend(ConnectionResetError(), hangs=True, limit_seconds=0.2), list[bool]()
    sender = Sender(lambda: backend)
    sender.put(CHANGE, CHANGE, then=outcomes.append)
    sender.finish()
    backend.limit_seconds = sender._seconds_left = 10
    backend.answers.set()
    sender.put(CHANGE, then=outcomes.append)
    sender.finish()
    assert [message.partition(" lost")[0] for message in caplog.messages] == [
        "2 of 2 OpenLineage events are", "1 of 1 OpenLineage event is"
    ]  # fmt: skip
    assert outcomes == [False, False]


def test_an_outcome_that_cannot_be_noted_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(is_sent: bool) -> None:
        raise OSError(28, "No space left on device")

    backend, outcomes = Backend(), list[bool]()
    sender = Sender(lambda: backend)
    for then in (fail, fail, outcomes.append):
        sender.put(CHANGE, then=then)
    sender.finish()
    assert (backend.taken, outcomes) == (3, [True])
    assert caplog.messages == ["what became of OpenLineage events cannot be noted error=OSError"]


def test_a_transport_that_does_not_open_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.openlineage.sender.OPEN_SECONDS", 0.2)
    monkeypatch.setattr("pipeline.openlineage.sender.LIMIT_SECONDS", 0.2)
    opens = threading.Event()

    def open_slowly() -> Backend:
        opens.wait(60)
        return Backend()

    sender = Sender(open_slowly)
    started = time.monotonic()
    for _ in range(20):
        sender.put(CHANGE)
        sender.finish()
    assert time.monotonic() - started < 2
    opens.set()
