"""Stages that write raw tables or marts have the lock for runs alone; others hold it together, each stage once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.databases import end_other_sessions
from warehouse.errors import RunInProgress
from warehouse.migrations.workers import renew_held
from warehouse.work_lock import only_run, run_beside
from waybill.settings import PROJECT

AS_HOLDER = """
import sys, time
from warehouse.work_lock import only_run, run_beside
with {lock}:
    print("holds", flush=True)
    time.sleep(600)
"""
ALONE, TRAIN = 'only_run("run dbt")', 'run_beside("run train", ["train"])'


@contextmanager
def holder(lock: str) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock in another process."""
    command = [sys.executable, "-c", AS_HOLDER.format(lock=lock)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert process.stdout
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def is_refused(lock: AbstractContextManager[None]) -> str:
    with pytest.raises(RunInProgress) as refused, lock:
        pass
    return str(refused.value)


def test_a_stage_alone_excludes_all_others(database: str) -> None:
    with holder(ALONE):
        for lock in (only_run(), run_beside("run train", ["train"])):
            assert "at work on this database (waybill run dbt (server process " in is_refused(lock)


def test_other_stages_run_together_but_each_once(database: str) -> None:
    with holder(TRAIN):
        with run_beside("run export docs", ["export", "docs"]):
            assert "waybill run train (server process " in is_refused(run_beside("run train", ["score", "train"]))
            with run_beside("run score", ["score"]):  # the refused one has given the lock of score back
                pass
            assert "waybill run train (server process " in is_refused(only_run())
        assert "waybill run train (server process " in is_refused(only_run())


@pytest.mark.parametrize(("held", "wanted"), [(ALONE, "alone"), (ALONE, "train"), (TRAIN, "alone"), (TRAIN, "train")])
def test_a_killed_holder_lets_the_next_one_in(
    database: str, caplog: pytest.LogCaptureFixture, held: str, wanted: str
) -> None:
    taken = threading.Event()

    def wait() -> None:
        with only_run(waits=True) if wanted == "alone" else run_beside("run train", ["train"], waits=True):
            taken.set()

    with holder(held) as process:
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1)
        assert not taken.is_set()
        assert "waiting for another run to end holders=waybill run " in caplog.text
        process.send_signal(signal.SIGKILL)
        assert taken.wait(10)
        waiting.join()
    with only_run():
        pass


def test_a_lock_that_was_lost_is_taken_again(database: str) -> None:
    with only_run():
        end_other_sessions()
        renew_held()
        is_refused(run_beside("run train", ["train"]))
    with run_beside("run train", ["train"]):
        end_other_sessions()
        renew_held()
        is_refused(only_run())
        is_refused(run_beside("run train", ["train"]))
    with only_run():
        pass
