# waybill: sample
"""WAYBILL_DISTRIBUTED: marts are distributed over the nodes of Citus, and hold the same rows and keys as on one node (P4, P5)."""

from __future__ import annotations

import json

import pytest

from tests.dbt_project.test_keys import DECLARED, keys
from tests.support.citus.stand_in import distributions, pretend_to_have_citus
from tests.support.dbt_command import Dbt, message
from tests.support.landing import land
from tests.support.small.documents import airport, flight, land_reference_data, weather
from tests.support.small.marts import MARTS, fingerprints, update

DISTRIBUTIONS = {
    "dim_airlines": "reference",
    "dim_airports": "reference",
    "dim_aircraft": "reference",
    "fct_weather_observations": "weather_observation_id",
    "fct_flights": "flight_id",
    "flight_features": "flight_id",
}


def test_a_server_without_citus_is_refused_in_one_line(dbt: Dbt, monkeypatch: pytest.MonkeyPatch) -> None:
    land_reference_data()
    land("flights", flight(1))
    monkeypatch.setenv("WAYBILL_DISTRIBUTED", "true")
    assert "has no Citus: run `create extension citus` in it as a superuser" in message(dbt.run("run"))


def test_a_column_outside_the_key_is_refused(
    dbt: Dbt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mart = {"name": "fct_flights", "config": {"unique_key": ["flight_id"], "meta": {"distribute": "airline_id"}}}
    operation = ("run-operation", "distribution_of", "--args", json.dumps({"node": mart}))
    assert dbt.run(*operation).success  # nothing is distributed
    monkeypatch.setenv("WAYBILL_DISTRIBUTED", "true")
    assert not dbt.run(*operation).success
    output = " ".join(capsys.readouterr().out.split())
    assert "fct_flights is to be distributed by airline_id, which is not in its unique_key" in output


@pytest.mark.superuser
def test_distributed_marts_equal_those_on_one_node(dbt: Dbt, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_to_have_citus()
    land_reference_data()
    land("flights", flight(1), flight(2, destination__airport="SJU"), flight(3))
    dbt.succeed("run")
    assert distributions() == dict.fromkeys(DISTRIBUTIONS)
    on_one_node = fingerprints()

    monkeypatch.setenv("WAYBILL_DISTRIBUTED", "true")
    dbt.succeed("run")
    assert (distributions(), fingerprints(), keys()) == (DISTRIBUTIONS, on_one_node, DECLARED)

    land(
        "flights",
        flight(2, status="withdrawn", updated_at="2013-03-01T06:00:00Z"),
        flight(4, destination__airport="ORD"),
    )
    land("airports", airport("IAH", "America/Denver", updated_at="2013-03-01T06:00:00Z"))
    land("weather", weather(2, 7, updated_at="2013-03-01T06:00:00Z"))
    update(dbt)
    assert (distributions(), keys()) == (DISTRIBUTIONS, DECLARED)
    after_three_batches = fingerprints()
    assert all(
        after_three_batches[mart] != on_one_node[mart] for mart in MARTS if mart not in ("dim_airlines", "dim_aircraft")
    )

    monkeypatch.setenv("WAYBILL_DISTRIBUTED", "false")
    dbt.succeed("run")
    assert (distributions(), fingerprints(), keys()) == (dict.fromkeys(DISTRIBUTIONS), after_three_batches, DECLARED)
