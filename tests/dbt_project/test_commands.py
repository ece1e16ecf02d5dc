"""What dbt says and leaves beside the marts: refusals in one line, unit tests, descriptions, documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dbt_project.dbt_command import Dbt, execute
from tests.landing import flight, land, land_reference_data


def test_a_warehouse_in_which_nothing_is_landed_is_refused(dbt: Dbt) -> None:
    execute("drop table raw.flights cascade")
    said = message(dbt.run("run"))
    assert "nothing is landed in database" in said
    assert "run `make load` first" in said


def test_another_server_than_the_profile_speaks_of_is_refused(dbt: Dbt, monkeypatch: pytest.MonkeyPatch) -> None:
    dbt.succeed("run", "-s", "stg_airlines")
    monkeypatch.setenv("PGHOST", "elsewhere.example")
    said = message(dbt.run("run", profile=False))
    assert "PGHOST names elsewhere.example:5432 but profiles.yml speaks of" in said
    assert "run `make up`" in said


def test_a_first_build_passes_its_tests_and_documents_every_model_and_column(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("build")
    assert dbt.run("docs", "generate", "--static").success
    assert (dbt.folder / "target" / "static_index.html").stat().st_size > 1_000_000
    manifest = json.loads((dbt.folder / "target" / "manifest.json").read_text())
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())
    for name, node in manifest["nodes"].items():
        if node["resource_type"] != "model" or "features" in node["fqn"]:
            continue
        assert node["description"], name
        there = catalog["nodes"].get(name, node)["columns"]
        assert set(there) <= set(node["columns"]), name
        assert all(column["description"] for column in node["columns"].values()), name


def message(result: Any) -> str:
    """Return all that a failed command says."""
    said = [str(result.exception or "")]
    said += [str(entry.message) for entry in getattr(result.result, "results", None) or []]
    return " ".join(" ".join(said).split())
