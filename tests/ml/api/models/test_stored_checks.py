"""Checks are read in the background: often enough, not too often, and the last known ones count without a database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.api.data.errors import DatabaseAway
from ml.api.models.checks import StoredChecks
from ml.checking.checks import Check
from ml.score import score
from ml.train import train
from tests.support.small.task import execute


def check(model_id: str, *, is_stale: bool = False) -> Check:
    now = datetime.now(UTC)
    return Check("small", model_id, "rows", now, is_stale, False, ["b"] if is_stale else [], "d", "t", None)


class Stored:
    """What the database holds; counts how often it was read."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}
        self.reads: list[list[str]] = []
        self.is_away = False

    def read(self, task: str, model_ids: list[str]) -> dict[str, Check]:
        self.reads.append(model_ids)
        if self.is_away:
            raise DatabaseAway("away")
        return {model_id: self.checks[model_id] for model_id in model_ids if model_id in self.checks}


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_new_model_has_its_check_at_once() -> None:
    stored = Stored()
    stored.checks["m1"] = check("m1", is_stale=True)
    with closing(StoredChecks(stored.read)) as checks:
        checks.learn("small", "m1")
        found = checks.of("small", "m1")
    assert found is not None and found.is_stale


def test_checks_are_read_no_more_often_than_asked_for() -> None:
    stored = Stored()
    with closing(StoredChecks(stored.read, seconds=60)) as checks:
        checks.learn("small", "m1")
        for _ in range(1000):
            assert checks.of("small", "m1") is None
    assert len(stored.reads) == 1


def test_they_are_read_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, waits = Stored(), list[float | None]()

    class Clock(threading.Condition):
        """Ends each wait of the reading thread soon, and notes how long it would have been."""

        def wait_for(self, predicate: Callable[[], object], timeout: float | None = None) -> object:  # type: ignore[override]
            if threading.current_thread().name == "checks":
                waits.append(timeout)
                timeout = 0.01
            return super().wait_for(predicate, timeout)  # type: ignore[arg-type]

    monkeypatch.setattr(threading, "Condition", Clock)
    with closing(StoredChecks(stored.read)) as checks:
        checks.learn("small", "m1")
        wait_for(lambda: len(stored.reads) > 3)
    assert set(waits) == {5.0}


def test_what_is_stored_later_is_found() -> None:
    stored = Stored()
    with closing(StoredChecks(stored.read, seconds=0.02)) as checks:
        assert checks.of("small", "m1") is None
        stored.checks["m1"] = check("m1", is_stale=True)
        wait_for(lambda: checks.of("small", "m1") is not None)


def test_the_last_known_check_counts_without_a_database() -> None:
    stored = Stored()
    stored.checks["m1"] = check("m1")
    with closing(StoredChecks(stored.read, seconds=0.02)) as checks:
        checks.learn("small", "m1")
        stored.is_away = True
        reads = len(stored.reads)
        wait_for(lambda: len(stored.reads) > reads + 2)
        assert checks.of("small", "m1") == stored.checks["m1"]
        stored.is_away = False
        stored.checks["m1"] = check("m1", is_stale=True)
        wait_for(lambda: checks.of("small", "m1") == stored.checks["m1"])


def test_only_the_last_two_models_are_read() -> None:
    stored = Stored()
    with closing(StoredChecks(stored.read, seconds=60)) as checks:
        for model_id in ("m1", "m2", "m3"):
            checks.learn("small", model_id)
    assert stored.reads[-1] == ["m2", "m3"]


def test_a_model_that_answers_keeps_its_check_after_a_rollback() -> None:
    stored = Stored()
    stored.checks = {model_id: check(model_id) for model_id in "abc"}
    with closing(StoredChecks(stored.read, seconds=60)) as checks:
        for model_id in ("a", "b", "a", "c"):
            checks.learn("small", model_id)
        assert checks.of("small", "a") == stored.checks["a"]
        assert checks.of("small", "c") == stored.checks["c"]


def test_a_reading_of_others_does_not_forget_a_check() -> None:
    stored, has_begun, may_end = Stored(), threading.Event(), threading.Event()
    stored.checks = {model_id: check(model_id) for model_id in "abc"}

    def read(task: str, model_ids: list[str]) -> dict[str, Check]:
        found = stored.read(task, model_ids)
        if "c" in model_ids:
            has_begun.set()
            assert may_end.wait(20)
            stored.is_away = True
        return found

    with closing(StoredChecks(read, seconds=0.02)) as checks:
        checks.learn("small", "a")
        checks.learn("small", "b")
        checks.of("small", "c")
        assert has_begun.wait(20)
        checks.of("small", "a")
        may_end.set()
        wait_for(lambda: checks.of("small", "c") is not None)
        assert checks.of("small", "a") == stored.checks["a"]


def test_no_error_ends_the_reading(caplog: pytest.LogCaptureFixture) -> None:
    stored, failures = Stored(), 5

    def read(task: str, model_ids: list[str]) -> dict[str, Check]:
        if len(stored.reads) < failures:
            stored.reads.append(model_ids)
            raise OSError("too many open files")
        return stored.read(task, model_ids)

    stored.checks["a"] = check("a")
    with closing(StoredChecks(read, seconds=0.02)) as checks:
        wait_for(lambda: checks.of("small", "a") is not None)
    assert caplog.text.count("too many open files") == 1


def test_a_start_without_a_database_does_not_wait_long() -> None:
    stored = Stored()
    stored.is_away = True
    started = time.monotonic()
    with closing(StoredChecks(stored.read)) as checks:
        checks.learn("small", "m1")
        assert checks.of("small", "m1") is None
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_api_reads_checks_with_its_own_role(task: Path, is_changed: bool) -> None:
    model_id = str(train("small").manifest["model_id"])
    if is_changed:
        execute("update marts.rows set is_late = not is_late where row_id = 'r3'")
    execute("grant select on marts.rows to waybill_api")
    score("small")
    with closing(StoredChecks()) as checks:
        checks.learn("small", model_id)
        found = checks.of("small", model_id)
    assert found is not None and found.is_stale == is_changed
