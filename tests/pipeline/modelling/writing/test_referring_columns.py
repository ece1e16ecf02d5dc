"""A column that holds the keys of another mart says so in its meta, and has a test."""

from __future__ import annotations

import pytest
import yaml

from pipeline.modelling.design import Reference
from pipeline.modelling.writing.marts import files
from tests.support.own_sources.designs import column, design


@pytest.mark.parametrize("is_dimension", [True, False])
def test_a_reference_is_meta_and_a_test(is_dimension: bool) -> None:
    reference = Reference("dim_towns" if is_dimension else "fct_towns", "town_id", is_dimension, values=9, orphans=1)
    made = design(
        "trips", column("id", "/id"), column("town", "/town", reference=reference), key=("/id",), version="delivery"
    )
    (model,) = yaml.safe_load(files(made)["dbt_project/models/marts/trips/fct_trips.yml"])["models"]
    found = next(each for each in model["columns"] if each["name"] == "town")
    assert found["config"]["meta"]["refers_to"] == reference.mart
    (test,) = found["data_tests"]
    assert test["relationships"]["arguments"] == {"to": f"ref('{reference.mart}')", "field": "town_id"}
    assert test["relationships"].get("config") == (None if is_dimension else {"severity": "warn"})
