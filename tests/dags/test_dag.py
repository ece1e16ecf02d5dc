"""The DAGs are made from the list of stages: tasks, arrows, retries and assets; the file parses fast."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.support.scheduled.airflow import python_of_airflow
from waybill.settings import PROJECT

pytestmark = pytest.mark.slow

STAGES: list[dict[str, Any]] = yaml.safe_load((PROJECT / "pipeline" / "stages.yml").read_text())
LOOK = """
import importlib.util, json, os, pathlib, time, types
from datetime import datetime, timezone
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.api.client import API_TIMEOUT
started = time.process_time()
bag = DagBag("{file}")
seconds = time.process_time() - started
dag, by_month = bag.dags["waybill"], bag.dags["waybill_by_month"]

def execute(schedule):
    os.environ["WAYBILL_SCHEDULE"] = schedule
    spec = importlib.util.spec_from_file_location("stages_of_waybill", "{file}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

module = execute("30 6 * * 1")
february = (datetime(2024, 2, 1, tzinfo=timezone.utc), datetime(2024, 3, 1, tzinfo=timezone.utc))

def options(kind, first, last, **asked):
    run = types.SimpleNamespace(run_type=kind, data_interval_start=first, data_interval_end=last)
    return module.date_options({{"params": {{"from": None, "to": None, **asked}}, "dag_run": run}})

def end(last_line):
    # what the task of a load raises when its command ends so
    module.WAYBILL = pathlib.Path(os.environ["AIRFLOW_HOME"]) / "command"
    module.WAYBILL.write_text(f"#!/bin/sh\\necho 'error: the last words'\\n{{last_line}}\\n")
    module.WAYBILL.chmod(0o755)
    run = types.SimpleNamespace(dag_id="waybill", run_id="one", run_type="manual")
    try:
        module.waybill.get_task("load").execute({{"params": {{}}, "dag_run": run}})
    except Exception as error:
        return [type(error).__name__, str(error)]

ends = ["exit 0", "exit 1", "exit 2", "exit 75", "exit 143", "kill -KILL $$"]
print("found " + json.dumps({{
    "ends": {{last_line: end(last_line) for last_line in ends}},
    "errors": bag.import_errors, "seconds": seconds, "catchup": dag.catchup, "runs": dag.max_active_runs,
    "parameters": list(dag.params), "environment": module.project_environment(),
    "schedules": [getattr(one.timetable, "expression", None)
        for one in (dag, module.waybill, execute("none").waybill, by_month)],
    "same": {{task.task_id: sorted(task.upstream_task_ids) for task in by_month.tasks}},
    "months": by_month.start_date.year, "waits": API_TIMEOUT,
    "options": [
        options("backfill", *february), options("scheduled", *february), options("manual", None, None),
        options("backfill", *february, **{{"from": "2023"}}),
        options("manual", *february, **{{"from": "2024-01", "to": "2024-02"}}),
    ],
    "tasks": {{
        task.task_id: {{
            "after": sorted(task.upstream_task_ids), "retries": task.retries, "says": task.doc,
            "pauses": [task.retry_delay.total_seconds(), task.retry_exponential_backoff],
            "assets": [asset.name for asset in task.outlets],
        }}
        for task in dag.tasks
    }},
}}))
"""


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what Airflow's Python makes of the file."""
    code = LOOK.format(file=PROJECT / "dags" / "waybill.py")
    variables = {"PGHOST": "db", "PYTHONPATH": "/elsewhere", "AIRFLOW__CORE__PARALLELISM": "2"}
    output = python_of_airflow(code, tmp_path_factory.mktemp("airflow"), **variables)
    [line] = [line for line in output.splitlines() if line.startswith("found ")]
    found: dict[str, Any] = json.loads(line.removeprefix("found "))
    return found


def test_it_parses_in_under_half_a_second(dag: dict[str, Any]) -> None:
    assert dag["errors"] == {}
    assert dag["seconds"] < 0.5


def test_its_arrows_are_those_of_the_list_of_stages(dag: dict[str, Any]) -> None:
    assert {name: task["after"] for name, task in dag["tasks"].items()} == {
        stage["name"]: sorted(stage["after"]) for stage in STAGES
    }
    assert [task["says"] for task in dag["tasks"].values()] == [stage["does"] for stage in STAGES]


def test_only_stages_that_may_be_retried_are(dag: dict[str, Any]) -> None:
    assert {name for name, task in dag["tasks"].items() if task["retries"]} == {"load", "score"}
    assert [dag["tasks"][name]["pauses"] for name in ("load", "score")] == [[30, 2], [30, 2]]


def test_a_task_is_retried_only_if_a_retry_may_help(dag: dict[str, Any]) -> None:
    words = "error: the last words"
    assert dag["ends"] == {
        "exit 0": None,
        "exit 1": ["AirflowFailException", words],  # Airflow retries no task that raises this
        "exit 2": ["AirflowFailException", words],
        "exit 75": ["AirflowException", words],
        "exit 143": ["AirflowException", words],
        "kill -KILL $$": ["AirflowException", "load was ended by SIGKILL: nothing half-done is left"],
    }


def test_a_task_waits_a_minute_for_a_busy_api_server(dag: dict[str, Any]) -> None:
    assert dag["waits"] == 60


def test_what_a_gate_checks_is_an_asset_after_the_gate(dag: dict[str, Any]) -> None:
    assets = {name: task["assets"] for name, task in dag["tasks"].items()}
    assert assets == {
        "load": [],
        "check-raw": ["waybill_raw_tables"],
        "dbt": [],
        "check-marts": ["waybill_marts"],
        "train": ["waybill_model"],
        "score": ["waybill_predictions"],
        "export": ["waybill_cleaned_json"],
        "docs": ["waybill_dbt_docs"],
        "report": ["waybill_report_page"],
    }


def test_runs_follow_each_other_on_the_schedule(dag: dict[str, Any]) -> None:
    assert (dag["catchup"], dag["runs"], dag["parameters"]) == (False, 1, ["from", "to"])
    assert dag["schedules"] == ["0 0 * * *", "30 6 * * 1", None, "0 0 1 * *"]


def test_backfills_have_the_same_stages_and_no_own_schedule(dag: dict[str, Any]) -> None:
    assert dag["same"] == {name: task["after"] for name, task in dag["tasks"].items()}
    assert dag["months"] == 2999


def test_a_backfill_loads_its_interval_and_other_runs_all(dag: dict[str, Any]) -> None:
    backfill, scheduled, manual, *asked = dag["options"]
    assert backfill == ["--from", "2024-02-01", "--to", "2024-02-29"]
    assert (scheduled, manual) == ([], [])
    assert asked == [["--from", "2023"], ["--from", "2024-01", "--to", "2024-02"]]


def test_commands_get_the_projects_variables_not_airflows(dag: dict[str, Any]) -> None:
    passed_on = dag["environment"]
    assert passed_on["PGHOST"] == "db"
    assert [name for name in passed_on if name.startswith(("AIRFLOW", "_AIRFLOW", "PYTHONPATH"))] == []
