"""`conso` measures any command; a stage is recorded in the ledger with what it consumed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from pipeline.conso import main, measure
from pipeline.consumption.meter import COMMANDS, POSTGRESQL
from pipeline.errors import RunRefused
from pipeline.stage_run import run_stage
from pipeline.stages import StageResult
from tests.support.consumption import BURN, burn
from tests.support.databases import rows
from warehouse.runs import recorded_run
from waybill.errors import WaybillError
from waybill.settings import get_settings


def test_a_failed_run_is_recorded(database: str) -> None:
    def stop() -> StageResult:
        raise WaybillError("no")

    with pytest.raises(WaybillError, match="no"):
        run_stage("load", work=stop)
    assert rows("select outcome, run_id from ledger.stage_runs") == [("failed", None)]


def test_a_stage_is_recorded_with_its_run_and_its_parts(database: str) -> None:
    with recorded_run("test") as run_id:
        run_stage("load", work=lambda: StageResult(7, ""), run_id=run_id)
    assert rows("select stage, rows, runs.command from ledger.stage_runs join ledger.runs using (run_id)") == [
        ("load", 7, "test")
    ]
    parts = rows("select part, unseen is null from ledger.stage_run_parts")
    assert (COMMANDS, True) in parts
    assert (POSTGRESQL, get_settings().is_embedded) in parts
    shown = CliRunner().invoke(main, [])
    assert shown.exit_code == 0
    assert "load" in shown.output and "Wh above idle" in shown.output
    assert max(map(len, shown.output.splitlines()[:5])) <= 80


def run_conso(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.conso", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_any_command_can_be_measured_and_recorded(database: str) -> None:
    script = BURN.format(0.3) + "\nprint('its own output')\nraise SystemExit(7)"
    done = run_conso("--name", "burner", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout) == (7, "its own output\n")
    assert "of a core: commands 0." in done.stderr
    assert "estimate: CPU seconds" in done.stderr or "RAPL" in done.stderr
    [(kind, name, outcome, cpu)] = rows("select kind, stage, outcome, cpu_seconds from ledger.stage_runs")
    assert (kind, name, outcome) == ("command", "burner", "failed")
    assert cpu >= 0.25


def test_a_measured_command_imports_nothing_of_ours(
    database: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, expected in ((os.getcwd(), "None"), ("/elsewhere", "/elsewhere")):
        monkeypatch.setenv("PYTHONPATH", path)
        assert measure((sys.executable, "-c", "import os; print(os.environ.get('PYTHONPATH'))"), "path") == 0
        assert capfd.readouterr().out == f"{expected}\n"


def test_a_command_that_does_not_exist_is_one_line(database: str) -> None:
    done = run_conso("--", "no-such-command")
    assert done.returncode == 1
    assert done.stderr == (
        "error: no-such-command cannot be run: No such file or directory; name a program and its arguments\n"
    )


def test_an_unreachable_ledger_does_not_stop_a_stage(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> Callable[[], None]:
        raise RunRefused("the ledger is away")

    monkeypatch.setattr("pipeline.conso.record_use", refuse)
    assert run_stage("load", work=lambda: StageResult(7, "")).rows == 7
    assert "resource use was not recorded in the ledger stage=load reason=the ledger is away" in caplog.text


def stage(name: str) -> tuple[float, float, int]:
    [found] = rows(
        "select wall_seconds, cpu_seconds, rows from ledger.stage_runs where stage = %s order by started_at desc limit 1",
        name,
    )
    return found


def test_idle_and_busy_stages_differ_by_their_cpu_time(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipeline.consumption.energy._packages", lambda powercap: {}
    )  # a machine that measures no energy itself
    monkeypatch.setenv("WAYBILL_BUSY_WATTS", "3.5")
    monkeypatch.setenv("WAYBILL_IDLE_WATTS", "0.74")
    run_stage("train", work=lambda: StageResult(300, str(burn(0.6))))
    busy_wall, busy_cpu, _ = stage("train")
    run_stage("score", work=lambda: StageResult(0, str(time.sleep(busy_wall))))
    idle_wall, idle_cpu, _ = stage("score")
    assert idle_wall >= busy_wall
    assert busy_cpu >= 0.5
    assert idle_cpu < busy_cpu / 3
    joules = dict(rows("select stage, energy_joules from ledger.stage_runs"))
    assert joules["train"] - joules["score"] == pytest.approx((busy_cpu - idle_cpu) * (3.5 - 0.74), rel=0.01)
