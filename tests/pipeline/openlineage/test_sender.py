"""A backend that is away, slow or too slow costs events, which are counted, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipeline.openlineage.sender import MAX_WAITING, Sender
from pipeline.openlineage.state_changes import Begun, StateChange
from waybill.observing.work import Work

CHANGE = StateChange("START", Begun(Work("stage", "load")))
LITTLE, PLENTY = 0.2, 60.0  # seconds that events may cost


class Backend:
    """A backend that answers, refuses, or answers only when the test ends. By its clock, each answer takes a while."""

    def __init__(self, error: Exception | None = None, *, hangs: bool = False, seconds: float = 0) -> None:
        self.error, self.answers = error, threading.Event()
        self.hangs, self.seconds, self.released = hangs, seconds, 0
        self.taken: list[StateChange] = []
        self.used, self.reason = 0.0, None

    def send(self, change: StateChange) -> None:
        if self.hangs:
            self.answers.wait(60)
        self.used += self.seconds
        if self.error:
            raise self.error
        self.taken.append(change)

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def hanging() -> Iterator[Backend]:
    backend = Backend(hangs=True)
    yield backend
    backend.answers.set()


def test_all_are_sent_in_their_order_before_the_end() -> None:
    backend, outcomes = Backend(), list[bool]()
    sender = Sender(lambda: backend, PLENTY)
    for _ in range(300):
        sender.put(CHANGE, then=outcomes.append)
    sender.finish()
    assert (len(backend.taken), outcomes) == (300, [True] * 300)
    assert backend.released >= 1


def test_refused_events_are_counted_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = list[bool]()
    sender = Sender(lambda: Backend(ConnectionRefusedError("http://user:secret@host refused")), PLENTY)
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
    sender = Sender(lambda: hanging, LITTLE)
    for _ in range(10):
        sender.put(CHANGE, then=outcomes.append)
    sender.finish()
    assert outcomes == [False] * 10, "nobody learns what becomes of them"
    assert caplog.messages == [
        "10 of 10 OpenLineage events are lost, and the work is not affected"
        " reason=they were not sent within WAYBILL_OPENLINEAGE_SECONDS=0.2"
    ]


def test_all_ends_together_wait_no_longer_than_the_limit(hanging: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, waits = Sender(lambda: hanging, LITTLE, lambda: 0), list[float]()
    wait_for = sender._changed.wait_for

    def counted(predicate, timeout):  # type: ignore[no-untyped-def]
        waits.append(timeout)
        return wait_for(predicate, timeout)

    monkeypatch.setattr(sender._changed, "wait_for", counted)
    for _ in range(4):
        sender.put(CHANGE)
        sender.finish()
    assert waits == [LITTLE, 0, 0, 0]


def test_events_after_the_limit_are_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    """Each takes a tenth of the limit. The last fifth is kept for ends of what has a START, of which there are two."""
    backend, run, stage = Backend(seconds=1), Begun(Work("run", "pipeline")), Begun(Work("stage", "load"))
    sender = Sender(lambda: backend, 10, lambda: 5 + backend.used)  # 5 seconds to open it, which do not count
    sender.put(StateChange("START", run), StateChange("START", stage))
    for _ in range(50):
        other = Begun(Work("load", "orders"))
        sender.put(StateChange("START", other), StateChange("COMPLETE", other))
    sender.put(StateChange("COMPLETE", stage))
    sender.put(StateChange("COMPLETE", run))
    sender.finish()
    assert (backend.used, len(backend.taken)) == (10, 10)
    assert [(change.state, change.begun) for change in backend.taken[-2:]] == [("COMPLETE", stage), ("COMPLETE", run)]
    assert caplog.messages == [
        "94 of 104 OpenLineage events are lost, and the work is not affected"
        " reason=they were not sent within WAYBILL_OPENLINEAGE_SECONDS=10"
    ]


def test_a_full_queue_loses_events_and_not_memory(hanging: Backend, caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(lambda: hanging, LITTLE)
    for _ in range(MAX_WAITING + 500):
        sender.put(CHANGE)
    assert len(sender._waiting) <= MAX_WAITING
    sender.finish()
    assert caplog.records[0].getMessage().startswith("1,500 of 1,500 OpenLineage events are lost")


def test_a_backend_that_cannot_be_opened_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Backend:
        raise RuntimeError("Log file `/nowhere` is not writeable")

    sender = Sender(fail, PLENTY)
    sender.put(CHANGE)
    sender.finish()
    assert caplog.records[0].getMessage() == (
        "1 of 1 OpenLineage event is lost, and the work is not affected reason=Log file `/nowhere` is not writeable"
    )


def test_events_that_were_given_up_are_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    backend, outcomes = Backend(ConnectionResetError(), hangs=True), list[bool]()
    sender = Sender(lambda: backend, LITTLE)
    sender.put(CHANGE, CHANGE, then=outcomes.append)
    sender.finish()
    sender._seconds = PLENTY
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
    sender = Sender(lambda: backend, PLENTY)
    for then in (fail, fail, outcomes.append):
        sender.put(CHANGE, then=then)
    sender.finish()
    assert (len(backend.taken), outcomes) == (3, [True])
    assert caplog.messages == ["what became of OpenLineage events cannot be noted error=OSError"]


def test_a_transport_that_does_not_open_is_waited_for_once() -> None:
    opens = threading.Event()

    def open_slowly() -> Backend:
        opens.wait(60)
        return Backend()

    sender = Sender(open_slowly, LITTLE)
    for _ in range(20):
        sender.put(CHANGE)
        sender.finish()
    assert LITTLE <= sender._waited_seconds < 2
    opens.set()
