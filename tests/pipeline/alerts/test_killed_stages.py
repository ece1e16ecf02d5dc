"""A stage that ran by itself and was killed is an alert at once; one that was interrupted names no page of another run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from pipeline.alerts.judging import judge
from pipeline.runner import run_some
from pipeline.stages import StageResult
from tests.pipeline.alerts.conftest import stage
from tests.support.databases import rows
from tests.support.small.task import execute
from warehouse.work_lock import ENDED, working
from waybill.settings import get_settings

RUN = """
import sys, time
from pipeline.runner import run_some
from pipeline.stages import StageResult

def succeed():
    return StageResult(1, "")

def wait():
    print("at work", flush=True)
    time.sleep(300)

*ended, last = sys.argv[1:]
run_some(sys.argv[1:], work={**dict.fromkeys(ended, succeed), last: wait})
"""
OPEN = "select count(*) from ledger.runs where outcome = 'running'"


def start(*stages: str) -> subprocess.Popen[str]:
    """Run stages, of which the last one waits; return the process when that one is at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *stages], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert any("at work" in line for line in process.stdout)
    return process


def end(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)
    process.communicate(timeout=60)


def found(seconds: float = 2) -> list[tuple[str, str]]:
    """Return the alerts, which the server may notice a moment after a kill."""
    deadline = time.monotonic() + seconds
    while not (alerts := judge().alerts) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [(alert.rule, alert.name) for alert in alerts]


def succeed() -> StageResult:
    return StageResult(1, "")


def test_a_killed_stage_is_an_alert_until_it_succeeds(quiet: UUID) -> None:
    process = start("check-raw", "train")
    assert judge().alerts == [], "it is at work"
    end(process, signal.SIGKILL)
    assert found() == [("run_failed", "train")]
    assert rows(OPEN) == [(1,)], "the check writes nothing"
    [alert] = judge().alerts
    assert f" did not complete: {ENDED}" in alert.message and "look at" not in alert.message
    with working("another command"):  # which closes the run
        assert rows(OPEN) == [(0,)]
        assert found() == [("run_failed", "train")]
    end(start("train"), signal.SIGKILL)
    assert found() == [("run_failed", "train")]
    assert ", 2 times since " in judge().alerts[0].message
    run_some(["train"], work={"train": succeed})
    assert judge().alerts == []


def test_a_kill_of_a_stage_that_failed_before_is_one_alert(quiet: UUID) -> None:
    execute(stage("export", ago="1 minute", outcome="failed"))
    end(start("export"), signal.SIGKILL)
    assert found() == [("run_failed", "export")]


def test_an_interrupted_gate_names_no_page_of_another_run(
    quiet: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    page = get_settings().reports_folder / "data_docs" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("of a run before")
    end(start("check-raw"), signal.SIGINT)
    [alert] = judge().alerts
    assert (alert.rule, alert.name) == ("run_failed", "check-raw")
    assert "this gate failed at " in alert.message and "look at" not in alert.message
    page.write_text("of this run")
    assert f"; look at {page}, then run again" in judge().alerts[0].message
