"""Which errors are retried, and how long the pauses are."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from kafka.errors import KafkaConnectionError, SaslAuthenticationFailedError, TopicAuthorizationFailedError
from psycopg2 import DatabaseError, InterfaceError, OperationalError, ProgrammingError
from psycopg2.errors import (
    DeadlockDetected,
    DiskFull,
    IdleInTransactionSessionTimeout,
    InsufficientPrivilege,
    LockNotAvailable,
    ProgramLimitExceeded,
    TooManyConnections,
    TransactionTimeout,
    UniqueViolation,
)

from loader.errors import FileChanged
from streaming.errors import BrokerAway, BrokerUnreachable
from warehouse.errors import LayoutMismatch, ServerAway, ServerNotStarted, ServerUnreachable
from waybill.backoff import Backoff, is_transient
from waybill.settings import PROJECT

TRANSIENT = [
    OperationalError, InterfaceError, DatabaseError, DiskFull, TooManyConnections, DeadlockDetected, LockNotAvailable,
    IdleInTransactionSessionTimeout, TransactionTimeout, ServerAway, ServerNotStarted, BrokerAway, KafkaConnectionError,
]  # fmt: skip
PERMANENT = [
    ProgrammingError, ProgramLimitExceeded, InsufficientPrivilege, UniqueViolation, ServerUnreachable, BrokerUnreachable, LayoutMismatch,
    FileChanged, SaslAuthenticationFailedError, TopicAuthorizationFailedError, OSError, KeyboardInterrupt,
]  # fmt: skip


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("waybill.backoff.time.sleep", made.append)
    return made


@pytest.mark.parametrize("kind", TRANSIENT)
def test_an_error_that_may_pass_is_transient(kind: type[BaseException]) -> None:
    assert is_transient(kind("it failed"))


@pytest.mark.parametrize("kind", PERMANENT)
def test_an_error_that_stays_is_not_transient(kind: type[BaseException]) -> None:
    assert not is_transient(kind("it failed"))


def test_a_limited_backoff_gives_up_after_its_pauses(pauses: list[float]) -> None:
    backoff = Backoff()
    assert [backoff.wait(OperationalError("gone")) for _ in range(7)] == [True] * 6 + [False]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_progress_begins_the_pauses_again(pauses: list[float]) -> None:
    backoff = Backoff()
    for _ in range(3):
        backoff.wait(OperationalError("gone"))
    backoff.reset()
    backoff.wait(OperationalError("gone"))
    assert pauses == [0.5, 1.0, 2.0, 0.5]


def test_a_stoppable_backoff_ends_its_pause_when_stopped() -> None:
    stopping = threading.Event()
    threading.Timer(0.2, stopping.set).start()
    assert Backoff((60.0,), stopping).wait(OperationalError("gone")) is False


def test_a_stoppable_backoff_repeats_its_last_pause() -> None:
    backoff = Backoff((0.0, 0.01), threading.Event())
    assert all(backoff.wait(OperationalError("gone")) for _ in range(20))


def test_the_log_says_what_failed_and_when_it_is_tried_again(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    Backoff().wait(DiskFull("could not extend file:\n  No space left on device"))
    assert caplog.messages == [
        "transient error, trying again seconds=0.5 attempt=1/6"
        " error=DiskFull: could not extend file: No space left on device"
    ]


@pytest.mark.parametrize("name", ["kafka", "sqlalchemy", "rich"])
def test_the_loader_starts_without_what_it_does_not_use(name: str) -> None:
    script = (
        "import sys, loader.__main__, loader.load, waybill.backoff; waybill.backoff.is_transient(OSError()); "
        f"print('{name}' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert ran.stdout.strip() == "False"
