"""The process of a stage that runs beside others: its result, its errors, and that it never outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from ml.errors import TaskBroken
from pipeline.errors import StageKilled
from pipeline.stage_process import StageProcess
from warehouse.connection import cursor_of

RUN = """
import time
from pipeline.stage_process import StageProcess
print(StageProcess("report").measured.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def nothing_can_be_read() -> Iterator[None]:
    """Let everything wait that connects to the warehouse."""
    with cursor_of("owner") as cursor:
        cursor.execute("lock table ledger.layout in access exclusive mode")
        yield


def wait_until_it_works(process: psutil.Process) -> None:
    until = time.monotonic() + 60
    while not process.net_connections("unix") and time.monotonic() < until:
        time.sleep(0.1)


def test_an_error_reaches_the_run_as_it_is(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_TASK", "nothing")
    process = StageProcess("train")
    with pytest.raises(TaskBroken, match="nothing") as broken:
        process.result()
    assert "in _train" in broken.value.__notes__[0]  # where it was raised
    assert process.measured.is_running()  # so that its use can be measured
    process.let_go()
    process.wait()
    assert not process.measured.is_running()


def test_a_stopped_process_ends_though_the_server_keeps_it(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    with nothing_can_be_read():
        process = StageProcess("report")
        wait_until_it_works(process.measured)
        process.stop()
        with pytest.raises(KeyboardInterrupt):
            process.result()
        process.wait()
    assert capfd.readouterr() == ("", "")


def test_a_killed_process_is_one_line(database: str) -> None:
    process = StageProcess("report")
    process.measured.kill()
    with pytest.raises(StageKilled, match=r"run report again$"):
        process.result()
    process.let_go()
    process.wait()


def test_a_process_ends_after_its_run_was_killed(database: str) -> None:
    with nothing_can_be_read():
        with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout
            process = psutil.Process(int(run.stdout.readline()))
            wait_until_it_works(process)
            os.kill(run.pid, signal.SIGKILL)
        process.wait(60)
    assert not process.is_running()
