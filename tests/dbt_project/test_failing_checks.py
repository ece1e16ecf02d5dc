# waybill: sample
"""A check that fails names its rows and the command that lists all of them, whatever kind of test it is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from pipeline.dbt.build import build
from pipeline.errors import DbtFailed
from tests.dbt_project.test_commands import bare_dbt
from tests.support.dbt_command import Dbt, execute, query
from tests.support.landing import land
from tests.support.small.documents import flight, land_reference_data
from tests.support.small.marts import WITHOUT_FEATURES, update
from waybill.settings import PROJECT

HOURS = "assert_departure_hours_are_the_sources"
ANOTHER_HOUR = "2013-01-02T20:00:00Z"
BREACHES = """
alter table marts.fct_flights drop constraint fk_fct_flights__airline_id;
alter table marts.fct_flights alter column scheduled_date drop not null, drop constraint fct_flights_pkey cascade;
update marts.fct_flights set airline_id = 'ZZ' where flight_number = 1;
update marts.fct_flights set flight_status = 'lost' where flight_number = 2;
alter table marts.fct_flights alter column flight_id drop not null;
insert into marts.fct_flights select * from marts.fct_flights where flight_number = 3;
update marts.fct_flights set flight_id = null where flight_number = 4
"""


def test_every_kind_of_failing_test_names_its_first_rows(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", *map(flight, range(1, 6)))
    update(dbt)
    for statement in BREACHES.split(";"):
        execute(statement)
    ran = bare_dbt("test", "-s", "fct_flights", *WITHOUT_FEATURES, "test_type:unit")
    assert ran.returncode == 1, ran
    named = dict(re.findall(r"^(\w+) failed: .+\n  (.+)$", ran.stdout, re.M))
    (batch,) = query("select batch_id from ledger.batches where source = 'flights'")
    assert "flight_id=UA-1-EWR-2013-01-02" in named.pop(
        "relationships_fct_flights_airline_id__airline_id__ref_dim_airlines_"
    )
    assert "flight_id=UA-2-EWR-2013-01-02" in next(named.pop(name) for name in [*named] if "accepted_values" in name)
    assert named.pop("unique_fct_flights_flight_id") == "unique_field=UA-3-EWR-2013-01-02, n_records=2"
    assert f"_batch_id={batch}, _position=4" in named.pop("not_null_fct_flights_flight_id")
    assert re.match("missing=(primary|foreign) key", named.pop("assert_fct_flights_keys_enforced"))
    (command,) = re.findall(r"^  all: (.+ -s unique_fct_flights_flight_id)$", ran.stdout, re.M)
    listed = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "UA-3-EWR-2013-01-02" in listed.stdout


def test_a_few_rows_that_contradict_others_warn(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1, scheduled__departure_hour=ANOTHER_HOUR), *map(flight, range(2, 1001)))
    ran = bare_dbt("build", *WITHOUT_FEATURES, "test_type:unit")
    assert ran.returncode == 0, ran.stdout
    assert f"{HOURS} warns: 1 row\n  flight_id=UA-1-EWR-2013-01-02, " in ran.stdout
    assert "rows_checked" not in ran.stdout
    assert query("select count(*) from marts.fct_flights") == [1000]


def test_more_rows_than_tolerated_stop_the_run(dbt: Dbt, capsys: pytest.CaptureFixture[str]) -> None:
    land_reference_data()
    land("flights", *map(flight, range(1, 1000)), flight(1000, scheduled__departure_hour=ANOTHER_HOUR))
    _, summary = build(*WITHOUT_FEATURES, "test_type:unit")
    assert summary.endswith("; warning: 1 row named above")
    land("flights", flight(1001, scheduled__departure_hour=ANOTHER_HOUR))
    with pytest.raises(DbtFailed) as failed:
        build(*WITHOUT_FEATURES, "test_type:unit")
    assert str(failed.value).startswith(f"1 failed: {HOURS}: 2 rows; ")
    printed = capsys.readouterr().out
    assert "flight_id=UA-1000-EWR-2013-01-02" in printed
    assert "flight_id=UA-1001-EWR-2013-01-02" in printed
    assert printed.strip().endswith(f"dbt show --limit -1 -s {HOURS}")
