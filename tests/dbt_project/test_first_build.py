# waybill: sample
"""The first build: unit tests, descriptions and documentation, and one line where nothing has landed."""

from __future__ import annotations

import json

from tests.support.dbt_command import Dbt, execute, message
from tests.support.landing import land
from tests.support.small.documents import flight, land_reference_data


def test_dbt_refuses_a_warehouse_in_which_nothing_has_landed(dbt: Dbt) -> None:
    execute("drop table raw.flights cascade")
    output = message(dbt.run("run"))
    assert "has no table raw.flights" in output
    assert "run `make load` first" in output


def test_a_first_build_passes_tests_and_documents_all_columns(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("build")
    assert dbt.run("--write-json", "docs", "generate", "--static").success
    assert (dbt.folder / "target" / "static_index.html").stat().st_size > 1_000_000
    manifest = json.loads((dbt.folder / "target" / "manifest.json").read_text())
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())
    for name, node in manifest["nodes"].items():
        if node["resource_type"] != "model":
            continue
        assert node["description"], name
        there = catalog["nodes"].get(name, node)["columns"]
        assert set(there) <= set(node["columns"]), name
        assert all(column["description"] for column in node["columns"].values()), name
