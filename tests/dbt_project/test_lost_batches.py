# waybill: sample
"""P5: no dbt command and no flag records a batch as processed without having read it; if it happened, a test names the repair."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.dbt_command import Dbt, execute, failures, message, query
from tests.support.landing import land
from tests.support.small.documents import airport, flight, land_reference_data, weather
from tests.support.small.marts import WITHOUT_FEATURES, fingerprints, update

PROCESSED = "select model, batch_id from intermediate.processed_batches order by 1, 2"
UNREAD = """
    select batches.batch_id, processed.model
    from intermediate.processed_batches as processed
    inner join ledger.batches as batches on processed.batch_id = batches.batch_id and batches.source = 'flights'
    where processed.model in ('int_flights_deduplicated', 'fct_flights')
        and not exists (
            select from intermediate.int_flights_deduplicated as documents
            where documents._batch_id = batches.batch_id
                and (processed.model <> 'fct_flights' or exists (
                    select from marts.fct_flights as mart where mart._batch_id = documents._batch_id
                ))
        )
"""
FLIGHTS = "select flight_number from marts.fct_flights order by 1"
REPAIR = "waybill dbt build --full-refresh"
FILTERS = "create or replace view staging.stg_flights as select * from ({}) as documents where false"


def other_environment(dbt: Dbt, folder: Path) -> Path:
    """Return the state of an environment whose staging views are in another schema, where they are empty."""
    execute("create schema if not exists other")
    execute("create or replace view other.stg_flights as select * from staging.stg_flights where false")
    execute(
        "create or replace view other.int_flights_deduplicated as select * from intermediate.int_flights_deduplicated"
    )
    dbt.run("--write-json", "compile", "-s", "stg_flights")
    manifest = (dbt.folder / "target" / "manifest.json").read_text()
    for schema in ("staging", "intermediate"):
        manifest = manifest.replace(f'"schema": "{schema}"', '"schema": "other"')
        manifest = re.sub(rf'\\"{schema}\\"\.', r'\\"other\\".', manifest)
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(manifest)
    return folder


def test_what_hides_rows_records_no_batch(dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    state = ("--state", str(other_environment(dbt, tmp_path / "state")))
    batch = land("flights", flight(2))
    # a run that stopped before any model ran has left this batch to the next one
    execute(f"insert into intermediate.run_batches (batch_id, source) values ('{batch}', 'flights')")
    before = query(PROCESSED)
    model = ("-s", "int_flights_deduplicated")
    refused = {
        "--empty": ("run", "--empty", *model),
        "--sample": ("build", "--sample=1 day", *model),
        "--defer": ("run", "--defer", "--favor-state", *state, *model),
        "clone": ("clone", "--full-refresh", *state, *model),
    }
    for flag, command in refused.items():
        result = dbt.run("--write-json", *command)
        assert not result.success, command
        assert f"{flag} would record batches as processed" in message(result), command
        assert query(PROCESSED) == before, command
    dbt.run("--write-json", "run", "--empty", *model)
    assert not dbt.run("retry").success
    for name, value in {"DBT_EMPTY": "true", "DBT_SAMPLE": "1 day", "DBT_DEFER": "true"}.items():
        monkeypatch.setenv(name, value)
        assert not dbt.run("run", *model).success, name
        assert query(PROCESSED) == before, name
        monkeypatch.delenv(name)
    assert [row for row in query(PROCESSED) if row[1] == batch] == []
    update(dbt)
    assert query(FLIGHTS) == [1, 2]
    execute("drop schema other cascade")


@pytest.mark.parametrize("flag", [(), ("--full-refresh",)], ids=["incremental", "full refresh"])
def test_a_view_that_filters_rows_records_no_batch(dbt: Dbt, flag: tuple[str, ...]) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    batch = land("flights", flight(2))
    dbt.succeed("run", "-s", "dim_airlines")  # adds the batch to the run batches
    (view,) = query("select pg_get_viewdef('staging.stg_flights')")
    execute(FILTERS.format(view.rstrip(" ;")))
    result = dbt.run("run", "-s", "int_flights_deduplicated", *flag)
    assert "has not read 1 documents of batch" in message(result)
    assert [row for row in query(PROCESSED) if row[1] == batch] == []
    update(dbt)
    assert query(FLIGHTS) == [1, 2]


def test_parts_of_a_run_record_only_what_they_read(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    commands = [
        ("run", "-s", "fct_flights", "--full-refresh"),
        ("run", "--exclude", "intermediate", "flight_features"),
        ("run", "--exclude", "int_flights_deduplicated", *WITHOUT_FEATURES[1:]),
        ("run", "-s", "int_flights_deduplicated", "--full-refresh", "--threads", "8"),
        ("run", "--exclude", "dim_airports", *WITHOUT_FEATURES[1:], "--fail-fast"),
        ("run", "--event-time-start", "2013-01-01", "--event-time-end", "2013-01-02", "-s", "int_flights_deduplicated"),
        ("compile", "-s", "fct_flights"),
        ("show", "-s", "fct_flights"),
    ]
    for number, command in enumerate(commands, start=2):
        land("flights", flight(number, destination__airport=f"X{number}"))
        land("airports", airport(f"X{number}"))
        dbt.run(*command)
        assert query(UNREAD) == [], command
    update(dbt)
    assert query(FLIGHTS) == list(range(1, len(commands) + 2))
    step_by_step = fingerprints()
    update(dbt, "--full-refresh")
    assert fingerprints() == step_by_step


def test_a_warehouse_that_lost_batches_names_the_repair(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2))
    land("weather", weather(3, 0, 1))
    dbt.succeed("build", "--exclude", "test_type:unit")
    before, features = fingerprints(), query("select count(*) from marts.flight_features")
    lost = {
        "assert_every_flight_has_features": "delete from marts.flight_features",
        "assert_fct_flights_has_every_flight": "delete from marts.fct_flights",
        "assert_flights_balance": "delete from intermediate.int_flights_deduplicated",
        "assert_fct_weather_observations_has_every_day": "delete from marts.fct_weather_observations",
    }
    for check, damage in lost.items():
        execute(damage)
        result = dbt.run("test", "-s", check)
        assert set(failures(result)) == {check}
        (entry,) = [entry for entry in result.result.results if entry.node.name == check]
        assert {row[-1] for row in query(entry.node.compiled_code)} == {REPAIR}
    dbt.succeed("run")  # a run without new batches repairs nothing
    assert query("select count(*) from marts.fct_flights") == [0]
    dbt.succeed(*REPAIR.split()[2:], "--exclude", "test_type:unit")
    assert fingerprints() == before
    assert query("select count(*) from marts.flight_features") == features
