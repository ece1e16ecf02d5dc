# waybill: sample
from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from expectations.__main__ import main
from expectations.assets import CONTEXT
from expectations.checkpoints import run_checkpoint
from expectations.errors import GateFailed, NothingToValidate
from expectations.failures import COLUMNS
from loader.undo.undo import undo
from pipeline.runner import run_some
from pipeline.stages import WORK
from tests.support.landing import land
from tests.support.small.documents import flight, weather
from tests.support.small.warehouse import build_marts, build_raw
from warehouse.connection import engine

pytestmark = [pytest.mark.creator]  # also on an external server: see `make test-server`


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "reports"


@pytest.fixture(scope="module")
def small_warehouse(module_database: str) -> Iterator[dict[str, UUID]]:
    batches = build_raw()
    build_marts(batches)
    yield batches


@pytest.fixture
def broken_delays(small_warehouse: dict[str, UUID]) -> Iterator[set[str]]:
    """Sixty flights with an impossible delay; fixed after the test."""
    with engine("owner").begin() as connection:
        ids = connection.scalars(
            text(
                "update marts.fct_flights set departure_delay_minutes = 99999"
                " where flight_number <= 60 returning flight_id"
            )
        ).all()
    yield set(ids)
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.fct_flights set departure_delay_minutes = flight_number % 40"))


@pytest.fixture
def lost_tail_numbers(small_warehouse: dict[str, UUID]) -> Iterator[None]:
    update = "update raw.flights set document = jsonb_set(document, '{aircraft,tail_number}', :value)"
    with engine("owner").begin() as connection:
        connection.execute(text(update + " where _position <= 50"), {"value": "null"})
    yield
    with engine("owner").begin() as connection:
        connection.execute(text(update), {"value": '"N14228"'})


def read_failures(reports: Path, name: str) -> list[dict[str, str]]:
    with (reports / "validation" / f"{name}_failures.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def pages(reports: Path) -> list[Path]:
    return sorted((reports / "data_docs").rglob("*.html"))


@pytest.mark.parametrize("name", ["raw", "marts"])
def test_a_checkpoint_succeeds_on_good_data(name: str, small_warehouse: object, reports: Path) -> None:
    outcome = run_checkpoint(name)
    assert outcome.success
    assert outcome.rows > 200
    assert outcome.summary.startswith(f"{outcome.expectations} of {outcome.expectations} expectations held")
    assert not (reports / "validation" / f"{name}_failures.csv").exists()


def test_a_failure_says_what_failed_how_often_and_where_to_look(broken_delays: set[str], reports: Path) -> None:
    with pytest.raises(GateFailed) as caught:
        run_checkpoint("marts")
    message = str(caught.value)
    assert "fct_flights: departure_delay_minutes: column values to be between" in message
    assert "60 of 200 rows fail (30 %)" in message
    assert str(reports / "validation" / "marts_failures.csv") in message
    assert str(reports / "data_docs" / "index.html") in message
    assert "\n" not in message


def test_a_failed_checkpoint_lists_every_failing_key(broken_delays: set[str], reports: Path) -> None:
    with pytest.raises(GateFailed):
        run_checkpoint("marts")
    failures = read_failures(reports, "marts")
    assert tuple(failures[0]) == COLUMNS
    assert {row["row_key"] for row in failures if "values to be between" in row["expectation"]} == broken_delays
    assert len(broken_delays) == 60


def test_a_failed_gate_fails_again_when_only_changes_are_checked(broken_delays: set[str], reports: Path) -> None:
    for _ in range(2):
        with pytest.raises(GateFailed, match="departure_delay_minutes"):
            run_checkpoint("marts", only_if_changed=True)


def test_a_gate_that_held_is_forgotten_once_it_fails(small_warehouse: object, reports: Path) -> None:
    update = "update marts.fct_flights set distance_miles = "
    run_checkpoint("marts", only_if_changed=True)
    with engine("owner").begin() as connection:
        connection.execute(text(f"{update} 1"))
    try:
        for _ in range(2):
            with pytest.raises(GateFailed, match="distance_miles"):
                run_checkpoint("marts", only_if_changed=True)
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text(f"{update} 1400"))


def test_a_few_values_out_of_range_warn_and_are_listed(database: str, reports: Path) -> None:
    build_marts(build_raw(1000), 1000)
    update = "update marts.fct_flights set departure_delay_minutes = {} where flight_number = 7"
    with engine("owner").begin() as connection:
        connection.execute(text(update.format(3500)))
    outcome = run_checkpoint("marts")
    assert outcome.success
    assert "; warning: 1 value out of range, the first in fct_flights: departure_delay_minutes: " in outcome.summary
    with (reports / "validation" / "marts_tolerated.csv").open(newline="") as file:
        assert [row["row_key"] for row in csv.DictReader(file)] == ["UA-7-EWR-2013-01-01"]
    with engine("owner").begin() as connection:
        connection.execute(text(update.format(7)))
    assert "warning" not in run_checkpoint("marts").summary
    assert not (reports / "validation" / "marts_tolerated.csv").exists()


def test_a_source_that_was_undone_does_not_stop_a_run(database: str, reports: Path) -> None:
    batches = build_raw()
    undo(str(batches["weather"]))
    outcome = run_checkpoint("raw")
    assert outcome.summary.endswith("; warning: all of raw_weather, raw_weather_observations was undone")
    undo(str(batches["flights"]))
    with engine("owner").begin() as connection:
        connection.execute(text("delete from raw.airlines"))
    with pytest.raises(GateFailed, match="raw_airlines"):
        run_checkpoint("raw")


def test_a_failed_raw_checkpoint_lists_coordinates(lost_tail_numbers: None, reports: Path) -> None:
    with pytest.raises(GateFailed, match="raw_flights: tail_number"):
        run_checkpoint("raw")
    keys = {row["row_key"] for row in read_failures(reports, "raw")}
    assert keys == {f"data/raw/flights.ndjson:{position}" for position in range(1, 51)}
    (page,) = (reports / "data_docs" / "validations" / "raw_flights").rglob("*.html")
    assert "a file in the folder <code>validation</code>, next to" in page.read_text()
    assert "Sampled Unexpected Values" not in page.read_text(), "a sample of nulls shows nothing"


def test_a_failed_query_lists_every_row_it_found(small_warehouse: object, reports: Path) -> None:
    update = "update raw.flights set document = jsonb_set(document, '{scheduled,date}', to_jsonb(cast(:day as text)))"
    with engine("owner").begin() as connection:
        connection.execute(text(update + " where _position <= 100"), {"day": "2013-04-01"})
    try:
        with pytest.raises(GateFailed, match="no month is missing"):
            run_checkpoint("raw")
        assert [row["row_key"] for row in read_failures(reports, "raw")] == ["2013-04"]
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text(update), {"day": "2013-01-01"})


def test_many_deliveries_of_a_document_count_once(database: str, reports: Path) -> None:
    """A source that delivers its last month again and again: no other month, airline or station becomes rare by it."""
    build_raw(1)
    for month in (2, 3, 4):
        days = [f"2013-{month:02}-{day:02}" for day in range(1, 29)]
        flights = [flight(number, scheduled__date=day) for number in (1, 2) for day in days]
        station_days = [
            weather(2, *range(24), station__airport=code, date=day) for code in ("EWR", "JFK") for day in days
        ]
        for source, documents in (("flights", flights), ("weather", station_days)):
            land(source, *documents)
    for _ in range(36):
        land("flights", *flights[:28])
        land("weather", *station_days[:28])
    assert run_checkpoint("raw").success


def test_an_exception_in_an_expectation_is_reported(small_warehouse: object, reports: Path) -> None:
    with engine("owner").begin() as connection:
        connection.execute(text("alter table marts.dim_aircraft alter column seats type text"))
    try:
        with pytest.raises(GateFailed, match=r"dim_aircraft: seats: .*could not be checked: .*column of type TEXT"):
            run_checkpoint("marts")
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("alter table marts.dim_aircraft alter column seats type int using seats::int"))


def test_a_checkpoint_that_succeeds_removes_the_list_of_failures(small_warehouse: object, reports: Path) -> None:
    (reports / "validation").mkdir(parents=True)
    (reports / "validation" / "marts_failures.csv").write_text("old")
    run_checkpoint("marts")
    assert not (reports / "validation" / "marts_failures.csv").exists()


def test_unchanged_rows_are_not_validated_twice(small_warehouse: object, reports: Path) -> None:
    first = run_checkpoint("marts", only_if_changed=True)
    second = run_checkpoint("marts", only_if_changed=True)
    assert not first.is_unchanged
    assert second.is_unchanged
    assert second.summary == f"nothing new since it succeeded: {first.summary}"
    assert second.rows == first.rows


def test_changed_rows_are_validated_again(small_warehouse: object, reports: Path) -> None:
    run_checkpoint("marts", only_if_changed=True)
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.dim_airlines set airline_name = airline_name"))
    assert not run_checkpoint("marts", only_if_changed=True).is_unchanged


def test_a_checkpoint_that_was_killed_is_run_again(
    small_warehouse: object, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_checkpoint("marts", only_if_changed=True)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr("expectations.checkpoints.validate", kill)
        run_checkpoint("marts")
    assert not run_checkpoint("marts", only_if_changed=True).is_unchanged


def test_a_changed_expectation_is_validated_again(
    small_warehouse: object, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CONTEXT, tmp_path / "context")
    monkeypatch.setattr("expectations.assets.CONTEXT", tmp_path / "context")
    run_checkpoint("marts", only_if_changed=True)
    suite = tmp_path / "context" / "suites" / "dim_airlines.json"
    expected = json.loads(suite.read_text())
    expected["expectations"] = expected["expectations"][:1]
    suite.write_text(json.dumps(expected))
    changed = run_checkpoint("marts", only_if_changed=True)
    assert not changed.is_unchanged and run_checkpoint("marts", only_if_changed=True).is_unchanged


def test_a_check_by_its_own_command_always_validates(small_warehouse: object, reports: Path) -> None:
    results = reports / "validation" / "results" / "dim_airlines"
    for number in (1, 2):
        run_some(["check-marts"])
        assert len(list(results.rglob("*.json"))) == number
    assert WORK["check-marts"]().rows == 0


def test_a_run_writes_nothing_that_is_committed(small_warehouse: object, reports: Path) -> None:
    def hashes() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(CONTEXT.parent.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    before = hashes()
    run_checkpoint("marts")
    assert hashes() == before


def test_data_docs_fetch_nothing_and_show_the_results(small_warehouse: object, reports: Path) -> None:
    run_checkpoint("marts")
    texts = {page: page.read_text() for page in pages(reports)}
    assert len(texts) > 6
    for page, html in texts.items():
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.", html), page
        assert "<script" not in html, page
    index = texts[reports / "data_docs" / "index.html"]
    assert index.count("✓") + index.count("ge-success-icon") >= 6
    for link in re.findall(r'href="([^"#]+)"', index):
        assert link == "../index.html" or (reports / "data_docs" / link).exists(), link


def test_data_docs_links_lead_home(small_warehouse: object, reports: Path) -> None:
    run_checkpoint("marts")
    for page in pages(reports):
        for link in re.findall(r'href="([^"#]+)"', page.read_text()):
            assert link == "../index.html" or (page.parent / link).exists(), (page, link)


def test_markup_in_the_data_stays_text(small_warehouse: object, reports: Path) -> None:
    with engine("owner").begin() as connection:
        connection.execute(text("update raw.airports set document = jsonb_set(document, '{latitude}', 'null')"))
        connection.execute(text("update ledger.inputs set name = '<img src=x>' where source = 'airports'"))
    try:
        with pytest.raises(GateFailed):
            run_checkpoint("raw")
        assert all("<img" not in page.read_text() for page in pages(reports))
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("update raw.airports set document = jsonb_set(document, '{latitude}', '40.5')"))
            connection.execute(text("update ledger.inputs set name = 'data/raw/airports.ndjson' where name ~ '<img'"))


def test_only_the_last_five_results_are_kept(small_warehouse: object, reports: Path) -> None:
    for _ in range(7):
        run_checkpoint("raw")
    assert len(list((reports / "validation" / "results" / "raw_airlines" / "raw").iterdir())) == 5
    assert len(list((reports / "data_docs" / "validations" / "raw_airlines").rglob("*.html"))) == 5


def test_missing_marts_are_reported_with_what_to_run(database: str, reports: Path) -> None:
    build_raw(5)
    with pytest.raises(NothingToValidate, match=r"marts\.dim_aircraft.* does not exist; run `make dbt` first"):
        run_checkpoint("marts")


def test_the_command_prints_summary_and_page(small_warehouse: object, reports: Path) -> None:
    result = CliRunner().invoke(main, ["raw"])
    assert result.exit_code == 0
    assert "expectations held over" in result.output
    assert str(reports / "data_docs" / "index.html") in result.output
