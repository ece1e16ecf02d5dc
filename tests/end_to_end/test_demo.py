# waybill: sample
"""`make demo` shows what it promises and changes nothing of the user's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from loader.tracing.why import why, why_row
from pipeline.showcase.own_database import use_own_database
from tests.end_to_end.conftest import DemoRun
from tests.support.databases import rows
from warehouse.errors import RunInProgress
from warehouse.work_lock import only_run
from waybill.cli import OWN_DATABASE

pytestmark = [
    pytest.mark.creator,
    pytest.mark.plain,
    pytest.mark.superuser,
]  # also on an external server: see `make test-server`


@pytest.mark.parametrize(
    "words",
    [
        "breaks_contract: ",
        "not_storable: ",
        "not_json: ",
        "flights 118 is flights 80 again: B6-2280-EWR-2013-08-23",
        "flights 65 said 555 minutes late, flights 66 says 30; marts.fct_flights has 30",
        '"twelve" is not a whole number',
        "waybill why data/raw/raw.json:66",
        "mart row marts.fct_flights: MQ-3670-LGA-2013-07-12",
    ],
)
def test_it_shows_rejects_a_duplicate_a_correction_and_a_why(demo: DemoRun, words: str) -> None:
    assert words in demo.output


def test_its_figures_are_those_of_the_warehouse(demo: DemoRun) -> None:
    outcomes = dict(rows("select outcome::text, count(*) from intermediate.document_outcomes group by 1"))
    assert outcomes == {"current": 170, "duplicate": 1, "superseded": 1, "uncastable": 1}
    assert rows("select count(*), max(arrival_delay_minutes) from marts.fct_flights") == [(112, 168)]
    assert rows("select count(*) from predictions.flight_delays_small") == [(112,)]
    assert demo.output.count("balanced") == 5


@pytest.mark.parametrize(
    ("mart", "key"),
    [
        ("fct_flights", "flight_id"),
        ("fct_weather_observations", "weather_observation_id"),
        ("dim_airlines", "airline_id"),
        ("dim_airports", "airport_id"),
        ("dim_aircraft", "aircraft_id"),
    ],
)
def test_a_row_of_every_mart_leads_back_to_its_source_bytes(demo: DemoRun, mart: str, key: str) -> None:
    keys = rows(f"select min({key}), max({key}) from marts.{mart} where _batch_id is not null")[0]
    for value in keys:
        output = why_row(mart, (value,))
        assert output[0] == f"marts.{mart} {value} was made from this document:"
        assert any(line.startswith("source bytes, fingerprint ") and " checked: {" in line for line in output)
        assert any(line.startswith(f"mart row marts.{mart}: ") for line in output)


def test_why_names_the_document_that_replaced_another(demo: DemoRun) -> None:
    uncastable, duplicate = why("data/raw/raw.json:57"), why("data/raw/raw.json:118")
    assert 'uncastable: arrival_delay_minutes: "twelve" is not a whole number, key B6-1307-JFK-2013-06-17' in uncastable
    assert "the current document with this key is data/raw/raw.json:58" in uncastable
    assert "duplicate, key B6-2280-EWR-2013-08-23" in duplicate
    assert "replaced by data/raw/raw.json:80" in duplicate
    assert not any(line.startswith("mart row") for line in uncastable + duplicate)


def test_the_gates_are_those_of_the_pipeline_and_pass(demo: DemoRun) -> None:
    held = json.loads((demo.folder / "WAYBILL_REPORTS" / "demo" / "validation" / "succeeded.json").read_text())
    assert {name: gate["outcome"]["success"] for name, gate in held.items()} == {"raw": True, "marts": True}
    assert all(gate["outcome"]["expectations"] > 30 for gate in held.values())


def test_it_writes_to_its_own_folders(demo: DemoRun) -> None:
    assert {path.relative_to(demo.folder).parts[1] for path in demo.folder.rglob("*") if path.is_file()} == {"demo"}
    flights = json.loads((demo.folder / "WAYBILL_PROCESSED" / "demo" / "fct_flights.json").read_text())
    assert len(flights) == 112
    assert (demo.folder / "WAYBILL_MODELS" / "demo" / "flight_delays_small" / "current").exists()
    assert {"index.html", "dbt_docs.html"} <= {
        path.name for path in (demo.folder / "WAYBILL_REPORTS" / "demo").iterdir()
    }


def test_its_report_shows_the_whole_run(demo: DemoRun) -> None:
    folder = demo.folder / "WAYBILL_REPORTS" / "demo"
    page, documents = (folder / "index.html").read_text(), (folder / "documents.html").read_text()
    links = re.findall(r'<a href="documents.html#([^"]+)">data/raw/raw.json:(\d+)</a>', page)
    assert {int(position) for _, position in links} == {13, 19, 57, 65, 70, 118}
    assert all(f'<article id="{anchor}">' in documents for anchor, _ in links)
    ((passed, asked),) = re.findall(r"(\d+) of (\d+) passed in the build of", page)
    assert int(asked) - int(passed) == 1  # a document has a field that is not adopted
    assert int(asked) > 50
    assert "assert_flights_fields_are_adopted" in page
    assert "Its training rows have not changed since: checked 20" in page
    assert page.count('<polyline class="curve"') == 3
    measured = dict(rows("select stage, cpu_seconds from ledger.stage_runs join ledger.runs using (run_id)"))
    assert list(measured) and all(f">{stage}</th>" in page for stage in measured if stage != "report")
    assert measured["check-raw"] > 0.5, "it imports Great Expectations"
    assert ">not measured</td>" not in page  # a stage without figures


def test_a_second_demo_at_the_same_time_is_refused(demo: DemoRun, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGDATABASE", "DBT_TARGET_PATH", "WAYBILL_REPORTS"):
        monkeypatch.setenv(name, demo.beside if name == "PGDATABASE" else str(demo.folder / name))
    report = demo.folder / "WAYBILL_REPORTS" / "demo" / "index.html"
    monkeypatch.setenv("PGDATABASE", f"{demo.beside}_demo")
    monkeypatch.setenv(OWN_DATABASE, "")  # it goes when the test ends
    with only_run():
        monkeypatch.setenv("PGDATABASE", demo.beside)
        with pytest.raises(RunInProgress, match="another run or undo is at work"):
            use_own_database("demo", own_folders=("reports",))
    assert rows("select count(*) from marts.fct_flights") == [(112,)]
    assert report.exists()


def test_its_output_fits_in_80_columns(demo: DemoRun) -> None:
    shown = demo.output[demo.output.index("Where every document went") :].replace(f"{demo.folder}/", "")
    assert [line for line in shown.splitlines() if len(line) > 80 and not line.startswith("$ ")] == []


def test_the_models_benchmark_trains_on_copies_of_its_rows(demo: DemoRun) -> None:
    environment = {**os.environ, "PGDATABASE": demo.beside, "WAYBILL_MODELS": str(demo.folder / "WAYBILL_MODELS")}
    before = rows("select datname from pg_database order by 1")
    command = [sys.executable, "-m", "benchmarks.model", "--small", "--times", "3"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "the timed training reached the same figures" in run.stdout
    costs = re.findall(
        r"^(train|score) +(\d+) +(\d+) +[\d.]+ +\d+ +(\d+) +([\d.]+) +([\d.]+)$", run.stdout, re.MULTILINE
    )
    found = {(what, copies): int(counted) for what, copies, counted, *_ in costs}
    assert found == {("train", "1"): 90, ("score", "1"): 112, ("train", "3"): 270, ("score", "3"): 336}
    assert all(50 < int(megabytes) < 2_000 for *_, megabytes, _, _ in costs)
    assert rows("select datname from pg_database order by 1") == before
    assert rows("select count(distinct model_id) from predictions.flight_delays_small_by_model") == [(1,)]
