"""Garbage collections in the thread that sends events are not what the events cost."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from pipeline.openlineage.work_clock import WorkClock


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The CPU time, by a clock that a test sets."""
    found, before = [0.0], [*gc.callbacks]
    monkeypatch.setattr("time.thread_time", lambda: found[0])
    yield found
    gc.callbacks[:] = before


def test_only_collections_in_its_own_thread_are_left_out(seconds: list[float]) -> None:
    clock = WorkClock()
    assert clock() == 0

    def take_five(phase: str, _: object) -> None:
        seconds[0] += 5 * (phase == "start")

    gc.disable()
    gc.callbacks.append(take_five)
    try:
        gc.collect()
        assert (seconds, clock()) == ([5], 0)
        other = threading.Thread(target=gc.collect)
        other.start()
        other.join()
        assert (seconds, clock()) == ([10], 5)
    finally:
        gc.enable()
