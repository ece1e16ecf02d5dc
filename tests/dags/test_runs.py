# waybill: sample
"""Airflow runs the real stages: tables, logs and assets of a run, a failed gate, a failed stage that few wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dags.conftest import ScheduledPipeline
from tests.dags.kills import WRONG, run_rounds
from tests.end_to_end.test_gates import twenty_minutes_late
from tests.support.databases import rows
from tests.support.lineage.events import read_events
from tests.support.scheduled.airflow import TestedAirflow, running
from waybill.settings import PROJECT

STAGES = ("load", "check-raw", "dbt", "check-marts", "train", "score", "export", "docs", "report")
UPDATED = "select asset.name, count(*) from asset_event join asset on asset_event.asset_id = asset.id group by 1"


ENDED = """
select state from dag_run where dag_id = ? and run_type = 'asset_triggered' and state in ('success', 'failed')
"""
MONTHS = """
select substr(data_interval_start, 1, 10) from dag_run
where dag_id = 'waybill_by_month' and run_type = 'backfill' order by 1
"""
FIRST_LOAD = """
select task_instance.state from task_instance join dag_run using (dag_id, run_id)
where dag_id = 'waybill_by_month' and task_id = 'load' and data_interval_start like ?
    and task_instance.state in ('success', 'failed')
"""
AFTER = ("after_the_marts", "after_the_predictions")


def example_of_the_docs() -> str:
    """Return the DAG that the page shows, which waits for the marts."""
    [example] = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "airflow.md").read_text(), re.S)
    return str(example)


def test_a_run_makes_everything_a_whole_run_makes(
    scheduled: ScheduledPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scheduled.airflow.variables, "WAYBILL_OPENLINEAGE", "true")
    airflow, small = scheduled.airflow, scheduled.small
    example = Path(airflow.variables["AIRFLOW__CORE__DAGS_FOLDER"]) / "example.py"
    example.write_text(example_of_the_docs())
    example.with_name("other.py").write_text(example_of_the_docs().replace("marts", "predictions"))
    airflow.command("dags", "reserialize")
    for dag in AFTER:
        airflow.command("dags", "unpause", dag)
    output = airflow.run("2024-01-01")
    assert airflow.states("2024-01-01") == {stage: ("success", 1) for stage in STAGES}, output
    for stage in STAGES:
        assert re.search(rf"{stage} +[\d.]+ s +[\d,]+ rows?", output), stage
    assert rows("select count(*) from raw.flights") == [(115,)]
    ((flights,),) = rows("select count(*) from marts.fct_flights")
    assert flights > 100
    assert rows("select count(*) from predictions.flight_delays_small") == [(flights,)]
    assert rows("select sum(read - landed - rejected - skipped)::int from ledger.batches") == [(0,)]
    made = {"reports/index.html", "reports/dbt_docs.html", "processed/fct_flights.json"}
    assert made <= set(small.files("reports", "processed"))
    checked = {name: count for name, count in airflow.select(UPDATED)}
    assert {name: checked[name] for name in ("waybill_raw_tables", "waybill_marts", "waybill_model")} == {
        "waybill_raw_tables": 1,
        "waybill_marts": 1,
        "waybill_model": 1,
    }


def test_the_run_of_the_dag_is_the_parent_of_its_stages(scheduled: ScheduledPipeline) -> None:
    events = read_events(scheduled.small.folder / "reports" / "openlineage.ndjson")  # of the run of the first test
    stages = [event for event in events if event["job"]["name"].startswith("pipeline.")]
    assert {event["job"]["name"] for event in stages} == {f"pipeline.{stage}" for stage in STAGES}
    parents = [event["run"]["facets"]["parent"] for event in stages]
    assert {(one["job"]["namespace"], one["job"]["name"]) for one in parents} == {("airflow", "waybill")}
    [(run_id, root_id)] = {(one["run"]["runId"], one["root"]["run"]["runId"]) for one in parents}
    assert run_id == root_id
    assert {event["run"]["facets"]["parent"]["root"]["run"]["runId"] for event in events} == {run_id}


def test_a_failed_gate_fails_its_task_without_a_retry(scheduled: ScheduledPipeline) -> None:
    scheduled.small.deliver("flights", "late.ndjson", twenty_minutes_late())
    output = scheduled.airflow.run("2024-01-02", only="load|dbt|check-marts|train|export|docs")
    states = scheduled.airflow.states("2024-01-02")
    assert {name: states[name] for name in STAGES[:4]} == {
        "load": ("success", 1),
        "check-raw": ("success", 1),
        "dbt": ("success", 1),
        "check-marts": ("failed", 1),
    }
    assert {states[name][0] for name in STAGES[4:]} == {"upstream_failed"}
    assert "error: check-marts stopped the run: checkpoint marts: " in output
    assert f"; look at {scheduled.small.folder}/reports/data_docs/index.html" in output
    assert dict(scheduled.airflow.select(UPDATED))["waybill_marts"] == 1  # the failed run did not update it


def test_what_does_not_wait_for_a_failed_task_runs(scheduled: ScheduledPipeline) -> None:
    models = scheduled.small.folder / "models"
    models.rename(models.with_name("models-elsewhere"))
    models.write_text("a file where the folder should be")
    scheduled.airflow.run("2024-01-03", only="train|score|export|report")
    models.unlink()
    models.with_name("models-elsewhere").rename(models)
    states = {name: state for name, (state, _) in scheduled.airflow.states("2024-01-03").items()}
    assert {name: states[name] for name in STAGES[4:]} == {
        "train": "failed",
        "score": "upstream_failed",
        "export": "success",
        "docs": "success",
        "report": "upstream_failed",
    }


def test_killed_tasks_lose_and_double_nothing(scheduled: ScheduledPipeline) -> None:
    totals = run_rounds(scheduled, 1, seed=2024)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["kills"] == totals["retried by Airflow"] + totals["retried by hand"] == 3


@pytest.fixture(scope="module")
def at_work(scheduled: ScheduledPipeline) -> Iterator[TestedAirflow]:
    """Airflow with its scheduler, after the runs of the tests above."""
    with running(scheduled.airflow):
        yield scheduled.airflow


@pytest.mark.parametrize("dag", AFTER)
def test_another_dag_starts_when_its_asset_was_updated(at_work: TestedAirflow, dag: str) -> None:
    assert at_work.wait_for(ENDED, dag)[:1] == [("success",)]
    [said, *_] = (at_work.folder / "logs" / f"dag_id={dag}").rglob("*.log")
    assert f"the {dag.removeprefix('after_the_')} have passed their checks" in said.read_text()


def test_a_backfill_loads_the_files_of_one_month_after_the_other(at_work: TestedAirflow) -> None:
    """The scheduler has started the first month's run, and its load has ended; the other stages are left."""
    dates = ("--from-date", "2013-01-01", "--to-date", "2013-03-31")
    at_work.command("dags", "unpause", "waybill_by_month")
    made = at_work.command("backfill", "create", "--dag-id", "waybill_by_month", *dates, "--max-active-runs", "1")
    assert made.returncode == 0, made.stdout + made.stderr
    assert at_work.select(MONTHS) == [("2013-01-01",), ("2013-02-01",), ("2013-03-01",)]
    assert at_work.wait_for(FIRST_LOAD, "2013-01-01%") == [("success",)]
    loads = "select command, outcome from ledger.runs where command like 'load --from 2013%%'"
    assert rows(loads) == [("load --from 2013-01-01 --to 2013-01-31", "succeeded")]
