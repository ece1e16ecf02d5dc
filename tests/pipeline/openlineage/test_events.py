# waybill: sample
"""Events of real runs: complete, true to the ledger, readable by the client, and without a value of any row."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline.openlineage.state_changes import ENDED
from tests.support.databases import rows
from tests.support.dbt_command import execute
from tests.support.lineage.events import Event, last_of, parsed, read_events, rows_written, states, without_empty
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from waybill.settings import get_settings

CANARY = "zq7canary"
STAGES = ("load", "check-raw", "dbt", "check-marts", "train", "score", "export", "docs", "report")
SOURCES = ("aircraft", "airlines", "airports", "flights", "weather")
BOOKS = "select sum(read)::int, sum(landed)::int, sum(rejected)::int from ledger.batches where source = %s"
KILLED_IN_LOAD = """
import os
import signal
from loader.landing.source_load import SourceLoad
from pipeline.__main__ import pipeline

finish = SourceLoad.finish

def land_and_die(self, connection):
    finish(self, connection)
    if self.new_files:
        os.kill(os.getpid(), signal.SIGKILL)

SourceLoad.finish = land_and_die
pipeline(["load"])
"""


def with_canaries() -> tuple[list[Event], str]:
    """Return flights to deliver, one of them rejected and one uncastable, and a line that is not JSON."""
    flights = small_sample()["flights"]
    uncastable = {**flights[0], "delays": {**flights[0]["delays"], "arrival_minutes": CANARY}}
    return [{"flight_number": CANARY}, {**uncastable, "flight_number": 9999}], f'{{"note": "{CANARY}'


@pytest.fixture(scope="module")
def small(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    """Return a pipeline that has completed one run with events; its documents hold the canary in many ways."""
    with pytest.MonkeyPatch.context() as patch, small_pipeline(tmp_path_factory.mktemp("lineage")) as found:
        patch.setenv("WAYBILL_OPENLINEAGE", "true")
        flights, broken = with_canaries()
        found.deliver("flights", "canary.ndjson", flights)
        (found.folder / "raw/flights/broken.ndjson").write_text(broken)
        airport = {**small_sample()["airports"][0], "name": CANARY}
        found.deliver("airports", "canary.json", [{"airports": [{**airport, "faa": "ZQ7"}]}])
        ran = found.run()
        assert ran.returncode == 0, ran
        yield found


def events_of(small: SmallPipeline) -> list[Event]:
    return read_events(small.folder / "reports" / "openlineage.ndjson")


@pytest.fixture(scope="module")
def first_run(small: SmallPipeline) -> list[Event]:
    return events_of(small)


def test_each_run_has_one_start_and_one_end(first_run: list[Event]) -> None:
    runs: dict[str, list[str]] = {}
    for event in first_run:
        runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert {tuple(found) for found in runs.values()} == {("START", "COMPLETE")}
    models = {path for (path,) in rows("select relname from pg_class as c where relnamespace = 'marts'::regnamespace"
                                       " and relkind = 'r'")}  # fmt: skip
    expected = {"pipeline", *(f"pipeline.{stage}" for stage in STAGES), *(f"load.{source}" for source in SOURCES)}
    expected |= {"checkpoint.raw", "checkpoint.marts", "train.flight_delays_small", "score.flight_delays_small"}
    expected |= {"export.fct_flights", *(f"dbt.{model}" for model in models), "dbt.fct_flights.test"}
    assert expected <= set(states(first_run))


def test_rows_are_those_of_the_ledger_and_of_the_tables(first_run: list[Event]) -> None:
    for source in SOURCES:
        ((read, landed, rejected),) = rows(BOOKS, source)
        event = last_of(first_run, f"load.{source}")
        written = {f"raw.{source}": landed, **({"ledger.rejects": rejected} if rejected else {})}
        assert rows_written(event) == written, source
        assert sum(one["inputFacets"]["inputStatistics"]["rowCount"] for one in event["inputs"]) == read
    assert rows_written(last_of(first_run, "load.flights"))["ledger.rejects"] == 2
    for job, table in {
        "score.flight_delays_small": "predictions.flight_delays_small_by_model",
        "dbt.fct_flights": "marts.fct_flights",
        "dbt.int_flights_deduplicated": "intermediate.int_flights_deduplicated",
    }.items():
        ((count,),) = rows(f"select count(*)::int from {table}")
        assert rows_written(last_of(first_run, job)) == {table: count}


def test_datasets_have_the_columns_of_their_tables(first_run: list[Event]) -> None:
    [mart] = last_of(first_run, "dbt.fct_flights")["outputs"]
    fields = [(field["name"], field["type"]) for field in mart["facets"]["schema"]["fields"]]
    query = "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attnum > 0"
    assert fields == rows(f"{query} and attrelid = 'marts.fct_flights'::regclass order by attnum")
    assert mart["name"] == f"{get_settings().pgdatabase}.marts.fct_flights"
    assert mart["namespace"].startswith("postgres://") and mart["namespace"].endswith(":5432")
    read = {one["name"].partition(".")[2] for one in last_of(first_run, "dbt.stg_flights")["inputs"]}
    assert read == {"raw.flights"}
    for event in first_run:
        for one in event["outputs"] if event["eventType"] == "COMPLETE" else []:
            assert one["namespace"] == "file" or one["facets"]["schema"]["fields"], one["name"]


def test_parents_lead_to_the_run_in_the_ledger(first_run: list[Event]) -> None:
    ((run_id,),) = rows("select run_id::text from ledger.runs where command = 'pipeline'")
    jobs = {event["run"]["runId"]: event["job"]["name"] for event in first_run}
    parents = {event["job"]["name"]: event["run"]["facets"].get("parent") for event in first_run}
    assert [job for job, parent in parents.items() if parent is None] == ["pipeline"]
    assert {parent["root"]["run"]["runId"] for parent in parents.values() if parent} == {run_id}
    named = {job: jobs[parent["run"]["runId"]] for job, parent in parents.items() if parent}
    assert named["pipeline.dbt"] == "pipeline" and named["dbt.fct_flights"] == "pipeline.dbt"
    assert named["load.flights"] == "pipeline.load" and named["checkpoint.raw"] == "pipeline.check-raw"
    ((loaded_by,),) = rows("select distinct run_id::text from ledger.batches")
    assert last_of(first_run, "load.flights")["run"]["facets"]["externalQuery"]["externalQueryId"] == loaded_by


def test_checks_are_assertions_about_their_tables(first_run: list[Event]) -> None:
    for job, tables in {
        "checkpoint.raw": [f"raw.{source}" for source in SOURCES],
        "checkpoint.marts": ["marts.dim_airlines", "marts.fct_flights"],
        "dbt.fct_flights.test": ["marts.fct_flights"],
    }.items():
        checked = {
            one["name"].partition(".")[2]: one["inputFacets"]["dataQualityAssertions"]["assertions"]
            for one in last_of(first_run, job)["inputs"]
            if "dataQualityAssertions" in one["inputFacets"]
        }
        assert set(tables) <= set(checked), job
        failed = [one for assertions in checked.values() for one in assertions if not one["success"]]
        assert {one["severity"] for one in failed} <= {"warn"}, job
    [tested] = last_of(first_run, "dbt.fct_flights.test")["inputs"]
    assertions = tested["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {"assertion": "not_null", "column": "flight_id"}.items() <= next(
        one.items() for one in assertions if one["assertion"] == "not_null" and one["column"] == "flight_id"
    )


def test_a_model_is_versioned_by_its_id(first_run: list[Event]) -> None:
    ((model_id,),) = rows("select distinct model_id::text from predictions.flight_delays_small")
    [model] = last_of(first_run, "train.flight_delays_small")["outputs"]
    assert model["facets"]["version"]["datasetVersion"] == model_id
    read = {one["name"]: one for one in last_of(first_run, "score.flight_delays_small")["inputs"]}
    assert read[model["name"]]["facets"]["version"]["datasetVersion"] == model_id


def test_the_clients_own_classes_read_every_event(first_run: list[Event]) -> None:
    assert len(first_run) > 100
    for event in first_run:
        assert without_empty(parsed(event)) == without_empty(event)
    wrong = json.loads(json.dumps(first_run[0]))
    wrong["run"]["runId"] = "no-uuid"
    with pytest.raises(ValueError, match="badly formed"):
        parsed(wrong)


def test_a_scheduler_is_the_parent_of_a_single_stage(small: SmallPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = "01a229fd-b9ff-7171-aa19-eff71a2f14a2"
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/waybill.report/{parent}")
    assert small.run("report").returncode == 0
    facet = last_of(events_of(small), "pipeline.report")["run"]["facets"]["parent"]
    assert (facet["run"]["runId"], facet["job"]["namespace"], facet["job"]["name"]) == (
        parent, "airflow", "waybill.report"
    )  # fmt: skip


def test_a_killed_load_is_closed_with_the_rows_that_it_landed(small: SmallPipeline) -> None:
    late = [{**flight, "flight_number": 7000 + n} for n, flight in enumerate(small_sample()["flights"][:7])]
    small.deliver("flights", "late.ndjson", late)
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_LOAD], env=small.variables, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    known = {event["run"]["runId"] for event in events_of(small) if event["eventType"] != "START"}
    assert small.run("load").returncode == 0
    found = events_of(small)
    start, end = [
        event for event in found if event["job"]["name"] == "load.flights" and event["run"]["runId"] not in known
    ][:2]
    assert (start["eventType"], start["run"]["runId"]) == ("START", end["run"]["runId"])
    assert (end["eventType"], rows_written(end)) == ("FAIL", {"raw.flights": 7})
    assert end["run"]["facets"]["errorMessage"]["message"] == ENDED
    ended = {event["run"]["runId"] for event in found if event["eventType"] != "START"}
    assert {event["run"]["runId"] for event in found} == ended
    landed = sum(
        rows_written(event)["raw.flights"] or 0
        for event in found
        if event["job"]["name"] == "load.flights" and event["eventType"] != "START"
    )
    assert [(landed,)] == rows("select sum(landed)::int from ledger.batches where source = 'flights'")


def test_failed_checks_and_models_are_said_without_values(small: SmallPipeline) -> None:
    airport = small_sample()["airports"][1]
    small.deliver("airports", "renamed.json", [{"airports": [{**airport, "faa": "ZQ8", "name": f"{CANARY} 2"}]}])
    execute(f"alter table marts.dim_airports add constraint no_canary check (airport_name <> '{CANARY} 2')")
    ran = small.run()
    assert ran.returncode == 1 and CANARY in ran.stderr, "the error quotes the row"
    found = states(events_of(small))
    assert [found[job][-1] for job in ("dbt.dim_airports", "pipeline.dbt", "pipeline")] == ["FAIL"] * 3
    assert found["dbt.fct_flights"][-2:] == ["START", "ABORT"], "dbt skipped it"
    assert found["dbt.fct_flights.test"][-1] == "COMPLETE", "its tests did not run"
    execute(
        "update raw.flights set document = jsonb_set(jsonb_set(document, '{aircraft,tail_number}', 'null'),"
        f" '{{airline,code}}', '\"{CANARY}\"')"
    )
    ran = small.run("check-raw")
    assert ran.returncode == 1
    assert CANARY in (small.folder / "reports/validation/raw_failures.csv").read_text()
    event = last_of(events_of(small), "checkpoint.raw")
    assert event["eventType"] == "FAIL"
    assert event["run"]["facets"]["errorMessage"]["message"].startswith("GateFailed: ")
    checked = next(one for one in event["inputs"] if one["name"].endswith(".raw.flights"))
    assertions = checked["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {one["success"] for one in assertions} == {True, False}


def test_no_event_holds_a_value_of_a_row(small: SmallPipeline) -> None:
    for query in (
        "select from ledger.rejects where position(%s in encode(bytes, 'escape')) > 0",
        "select from intermediate.int_flights_outcomes where position(%s in reason) > 0",
        "select from marts.dim_airports where position(%s in airport_name) > 0",
        "select from raw.flights where position(%s in document::text) > 0",
    ):
        assert rows(query, CANARY), query
    text = (small.folder / "reports" / "openlineage.ndjson").read_text()
    assert CANARY not in text.lower()
    for event in events_of(small):
        parsed(event)
