# waybill: sample
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

import pipeline.export.export
from pipeline.errors import ExportRefused
from pipeline.export.export import export, main, schema_file
from pipeline.export.marts_orm import map_marts, references
from pipeline.export.shapes import SHAPES, read_shapes
from pipeline.stages import WORK
from tests.support.small.warehouse import build_marts, build_raw
from warehouse.connection import engine
from waybill.settings import get_settings

FLIGHT = {
    "flight_id": "UA-7-EWR-2013-01-01",
    "flight_number": 7,
    "flight_status": "arrived",
    "airline": {"airline_id": "UA", "airline_name": "United Air Lines Inc.", "is_inferred": False},
    "aircraft": {
        "aircraft_id": "N14228",
        "manufacturer": "BOEING",
        "model": "737",
        "aircraft_type": "Fixed wing",
        "seats": 149,
        "manufacture_year": 1999,
        "is_inferred": False,
    },
    "origin": {
        "airport_id": "EWR",
        "airport_name": "EWR Field",
        "time_zone": "America/New_York",
        "is_inferred": False,
    },
    "destination": {"airport_id": "SJU", "airport_name": None, "time_zone": None, "is_inferred": True},
    "scheduled": {
        "date": "2013-01-01",
        "departure_at": "2013-01-01T10:15:00Z",
        "arrival_at": "2013-01-01T14:19:00Z",
    },
    "actual": {
        "departed_at": "2013-01-01T10:22:00Z",
        "arrived_at": "2013-01-01T14:26:00Z",
        "air_time_minutes": 227,
    },
    "delays": {"departure_minutes": 7, "arrival_minutes": 7},
    "distance_miles": 1400,
    "is_late": False,
    "updated_at": "2013-01-02T06:00:00Z",
}


@pytest.fixture
def processed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_PROCESSED", str(tmp_path / "processed"))
    return tmp_path / "processed"


@pytest.fixture(scope="module")
def marts(module_database: str) -> None:
    build_marts(build_raw())


@pytest.fixture
def broken_status(marts: None) -> Iterator[None]:
    """Give one flight a status that the schema does not allow; undo it after the test."""
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.fct_flights set flight_status = 'lost' where flight_number = 150"))
    yield
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.fct_flights set flight_status = 'arrived'"))


@pytest.fixture
def unknown_zone(marts: None) -> Iterator[None]:
    """Take a flight's times away, as if no document described its airports; undo it after the test."""
    times = ("scheduled_departure_at", "scheduled_arrival_at", "departed_at", "arrived_at")
    with engine("owner").begin() as connection:
        connection.execute(
            text("create table public.kept as select * from marts.fct_flights where flight_number = 150")
        )
        nulls = ", ".join(f"{time} = null" for time in times)
        connection.execute(text(f"update marts.fct_flights set {nulls} where flight_number = 150"))
    yield
    with engine("owner").begin() as connection:
        values = ", ".join(f"{time} = kept.{time}" for time in times)
        connection.execute(
            text(
                f"update marts.fct_flights as flights set {values} from public.kept where flights.flight_id = kept.flight_id"
            )
        )
        connection.execute(text("drop table public.kept"))


def read_documents(processed: Path, mart: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads((processed / f"{mart}.json").read_text())
    return documents


def test_a_row_that_refers_to_an_inferred_one_is_exported(unknown_zone: None, processed: Path) -> None:
    export()
    (exported,) = (found for found in read_documents(processed, "fct_flights") if found["flight_number"] == 150)
    times = {**exported["scheduled"], **exported["actual"]}
    assert [times[name] for name in ("departure_at", "arrival_at", "departed_at", "arrived_at")] == [None] * 4


def test_every_row_becomes_one_valid_document(marts: None, processed: Path) -> None:
    outcome = export()
    assert outcome.rows == 224
    for mart, rows in (("fct_flights", 200), ("fct_weather_observations", 24)):
        documents = read_documents(processed, mart)
        assert len(documents) == rows
        validator = jsonschema_rs.validator_for(json.loads(schema_file(mart).read_text()))
        assert all(validator.is_valid(document) for document in documents)


def test_a_flight_nests_its_members_by_its_foreign_keys(marts: None, processed: Path) -> None:
    export()
    documents = {document["flight_id"]: document for document in read_documents(processed, "fct_flights")}
    assert documents["UA-7-EWR-2013-01-01"] == FLIGHT
    assert documents["UA-10-EWR-2013-01-01"]["aircraft"] is None


def test_each_line_is_one_document_in_the_order_of_the_key(marts: None, processed: Path) -> None:
    export()
    lines = (processed / "fct_flights.json").read_text().splitlines()
    assert (lines[0], lines[-1]) == ("[", "]")
    ids = [json.loads(line.rstrip(","))["flight_id"] for line in lines[1:-1]]
    assert ids == sorted(ids)


def test_unchanged_marts_are_not_written_twice(marts: None, processed: Path) -> None:
    export()
    before = {file: file.stat().st_mtime_ns for file in processed.iterdir()}
    outcome = export()
    assert outcome.written == ()
    assert outcome.rows == 224
    assert "nothing new since the last export" in outcome.summary
    assert {file: file.stat().st_mtime_ns for file in processed.iterdir()} == before


def test_a_changed_member_writes_the_facts_that_nest_it(marts: None, processed: Path) -> None:
    export()
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.dim_aircraft set seats = 150"))
    try:
        assert export().written == ("fct_flights",)
        assert read_documents(processed, "fct_flights")[0]["aircraft"]["seats"] == 150
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("update marts.dim_aircraft set seats = 149"))


def test_a_changed_file_is_written_again(marts: None, processed: Path) -> None:
    export()
    (processed / "fct_flights.json").write_text("[]")
    assert export().written == ("fct_flights",)
    assert len(read_documents(processed, "fct_flights")) == 200


def test_an_invalid_document_is_refused_and_the_last_file_stays(
    marts: None, processed: Path, request: pytest.FixtureRequest
) -> None:
    export()
    good = (processed / "fct_flights.json").read_bytes()
    request.getfixturevalue("broken_status")
    with pytest.raises(ExportRefused, match=r"fct_flights UA-150-EWR-2013-01-01: /flight_status: .*lost"):
        export()
    assert (processed / "fct_flights.json").read_bytes() == good
    assert not [file for file in processed.iterdir() if file.name.startswith(".fct_flights.json.")]


@pytest.mark.parametrize("documents", ["one is missing", "one is doubled"])
def test_a_file_with_another_number_of_rows_is_refused(
    marts: None, processed: Path, monkeypatch: pytest.MonkeyPatch, documents: str
) -> None:
    export()
    good = (processed / "fct_flights.json").read_bytes()
    (processed / "fct_flights.json").unlink()
    real = pipeline.export.export._documents

    def miscounted(*arguments: Any) -> Iterator[list[bytes]]:
        for portion in real(*arguments):
            yield portion[1:] if documents == "one is missing" else [portion[0], *portion]

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.export.export, "_documents", miscounted)
        with pytest.raises(
            ExportRefused, match=r"(199|201) documents, but marts\.fct_flights has 200 rows: run it again"
        ):
            export()
    assert [file.name for file in processed.iterdir() if "fct_flights" in file.name] == [".fct_flights.state"]
    assert export().written == ("fct_flights",)
    assert (processed / "fct_flights.json").read_bytes() == good


def test_a_refused_export_is_tried_again(marts: None, processed: Path, broken_status: None) -> None:
    for _ in range(2):
        with pytest.raises(ExportRefused):
            export()


def test_a_missing_foreign_key_is_named(database: str, processed: Path) -> None:
    build_marts(build_raw(5), 5)
    with engine("owner").begin() as connection:
        connection.execute(text("alter table marts.fct_flights drop constraint fct_flights_airline_id_fkey"))
    with pytest.raises(ExportRefused, match="fct_flights has no foreign key for airline: run `make dbt`"):
        export()


def test_a_shape_with_an_unknown_column_is_refused(
    marts: None, processed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (SHAPES / "fct_flights.yml").read_text().replace("air_time_minutes: air_time_minutes", "air_time: air_tme")
    (tmp_path / "fct_flights.yml").write_text(shape)
    monkeypatch.setattr("pipeline.export.shapes.SHAPES", tmp_path)
    with pytest.raises(ExportRefused, match=r"no column air_tme: correct pipeline/export/shapes/fct_flights\.yml"):
        export()


def test_missing_marts_are_named(database: str, processed: Path) -> None:
    with pytest.raises(ExportRefused, match=r"there is no table marts\.fct_flights: run `make dbt` first"):
        export()


def test_the_command_prints_what_was_written(marts: None, processed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(get_settings().state_folder))
    monkeypatch.setattr("waybill.settings.PROJECT", processed.parent)
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0
    assert result.output == "export: wrote fct_flights, fct_weather_observations; 224 documents in processed\n"


def test_every_export_has_a_schema() -> None:
    for shape in read_shapes():
        jsonschema_rs.validator_for(json.loads(schema_file(shape.mart).read_text()))


def test_marts_are_mapped_by_their_keys_in_the_database(marts: None) -> None:
    mapped = map_marts(engine("reader"))
    assert {name: column for name, (column, _) in references(mapped["fct_flights"]).items()} == {
        "airline": "airline_id",
        "aircraft": "aircraft_id",
        "origin_airport": "origin_airport_id",
        "destination_airport": "destination_airport_id",
    }
    flight_class = mapped["fct_flights"]
    with Session(engine("reader")) as session:
        query = select(flight_class).options(joinedload(flight_class.origin_airport)).filter_by(flight_number=7)
        assert session.scalars(query).one().origin_airport.airport_name == "EWR Field"


def test_export_and_docs_count_the_rows_they_wrote(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("WAYBILL_PROCESSED", "WAYBILL_REPORTS", "DBT_TARGET_PATH"):
        monkeypatch.setenv(variable, str(tmp_path))
    build_marts(build_raw(5), 5)
    assert [WORK["export"]().rows for _ in range(2)] == [29, 0]
    (tmp_path / "fct_flights.json").unlink()
    assert WORK["export"]().rows == 5
    (tmp_path / "static_index.html").write_text("docs")
    monkeypatch.setattr("pipeline.dbt.build._invoke", lambda arguments: None)
    assert [WORK["docs"]().rows for _ in range(2)] == [1, 0]
