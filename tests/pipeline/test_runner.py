"""Single stages and gates: what a stage holds while it runs, and what its error says to look at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from expectations.errors import GateFailed
from pipeline.errors import DeclarationsChanged
from pipeline.runner import run_some
from pipeline.stage_list import read_stages
from pipeline.stage_run import run_stage
from pipeline.stages import WORK, StageResult, gate_path
from warehouse.errors import RunInProgress
from warehouse.work_lock import only_run
from waybill.cli import OWN_DATABASE, TRY_AGAIN
from waybill.errors import WaybillError


def fail() -> StageResult:
    raise GateFailed("it does not hold")


@pytest.mark.parametrize("command", [["pipeline", "docs"], ["pipeline.dbt.command", "run"]], ids=["stage", "dbt run"])
def test_a_stage_and_dbt_are_refused_during_a_run(database: str, command: list[str]) -> None:
    with only_run():
        ran = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stdout) == (TRY_AGAIN, "")
    assert ran.stderr.startswith("error: another run or undo is at work on this database (waybill run (server process ")


def test_a_single_stage_holds_the_lock_for_runs(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def work() -> StageResult:
        with pytest.raises(RunInProgress), only_run():
            pass
        refused.append(True)
        return StageResult(0, "")

    monkeypatch.setitem(WORK, "load", work)
    run_some(["load", "load"])
    assert refused == [True, True]
    with only_run():
        pass


def test_a_gate_names_the_folders_of_the_current_run(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WAYBILL_REPORTS", "reports/demo")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "demo-dbt"))
    with pytest.raises(WaybillError) as failed:
        run_stage("check-raw", work=fail)
    assert str(failed.value) == "check-raw stopped the run: it does not hold; look at reports/demo/data_docs/index.html"
    with pytest.raises(WaybillError, match=f"look at {tmp_path}/demo-dbt/run_results.json"):
        run_stage("dbt", work=fail)


def test_only_a_gate_that_failed_says_what_to_look_at(database: str) -> None:
    def stop() -> StageResult:
        raise DeclarationsChanged("run `waybill sources --write`")

    with pytest.raises(DeclarationsChanged) as failed:
        run_stage("dbt", work=stop)
    assert str(failed.value) == "dbt stopped the run: run `waybill sources --write`"


def test_a_gate_of_the_demo_names_its_database(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN_DATABASE, "waybill_demo")
    with pytest.raises(WaybillError) as failed:
        run_stage("check-raw", work=fail)
    path, _, command = str(failed.value).partition("; look at ")[2].partition(", and at its tables with ")
    assert path.endswith("/data_docs/index.html")
    assert command.startswith("`PGDATABASE=waybill_demo ") and command.endswith("waybill psql`")


def test_a_gate_names_the_projects_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAYBILL_REPORTS", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    found = {stage.name: gate_path(stage) for stage in read_stages() if stage.gate}
    assert found == {
        "check-raw": "reports/data_docs/index.html",
        "dbt": "dbt_project/target/run_results.json",
        "check-marts": "reports/data_docs/index.html",
    }


def test_a_server_that_is_away_is_worth_another_try(tmp_path: Path) -> None:
    away = {**os.environ, "PGHOST": str(tmp_path), "PGPORT": "1"}
    for command, code in ((["pipeline", "export"], TRY_AGAIN), (["pipeline", "export", "--to", "2013"], 2)):
        ran = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False, env=away)
        assert ran.returncode == code, ran.stderr
