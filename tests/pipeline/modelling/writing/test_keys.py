"""The written models of sources whose key is the value, or has several fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from loader.undo.undo import undo
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.landing import land
from tests.support.own_sources.designs import order_lines, sightings, write_project

OUTCOMES = (
    "select outcome, count(*) from intermediate.document_outcomes where source = 'sightings' group by 1 order by 1"
)
BIRDS = """
    select site, rain_mm::text, birds_number, birds.name, birds.seen
    from marts.fct_sightings
    left join marts.fct_sightings_birds as birds using (sightings_key)
    order by 1, 2, 3
"""


def sighting(site: str, rain: Any = 1, *birds: Any) -> dict[str, Any]:
    return {"site": site, "rain_mm": rain, "birds": [{"name": name, "seen": 1} for name in birds]}


def line(number: Any = 1, order: str = "o-1", **values: Any) -> dict[str, Any]:
    return {"line": number, "order": {"id": order, "site": "here"}, "parts": [{"id": "p", "codes": ["x"]}]} | values


def test_the_value_or_several_fields_are_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> None:
    project = write_project(tmp_path, monkeypatch, sightings(), order_lines())

    def build(*arguments: str) -> None:
        built = project.run("build", *arguments)
        assert built.success, built.exception or failures(built)

    with fresh_database():
        make_raw_tables()
        land(
            "sightings", sighting("pond", 1.0, "owl", "owl"), sighting("pond", 1, "owl", "owl"), sighting("sea", "wet")
        )
        land(
            "order_lines", line(), line(2, note="n", **{"it's": {"a": 1}}), line(1, "o"), line(3, parts=[{"codes": []}])
        )
        build()
        assert query(OUTCOMES) == [("current", 1), ("duplicate", 1), ("uncastable", 1)]
        assert query(BIRDS) == [("pond", "1", 1, "owl", 1), ("pond", "1", 2, "owl", 1)]
        assert (
            query("select sightings_key::text = document_key from intermediate.int_sightings_deduplicated")
            == [True] * 3
        )
        assert query("select line, order_id, other_fields from marts.dim_order_lines order by 1, 2") == [
            (1, "o", {"/order/site": "here"}),
            (1, "o-1", {"/order/site": "here"}),
            (2, "o-1", {"/note": "n", "/it's": {"a": 1}, "/order/site": "here"}),
            (3, "o-1", {"/order/site": "here"}),
        ]
        codes = "select line, order_id, parts_number, codes_number, codes_value from marts.dim_order_lines_parts_codes"
        assert query(f"{codes} order by 1, 2") == [(1, "o", 1, 1, "x"), (1, "o-1", 1, 1, "x"), (2, "o-1", 1, 1, "x")]

        changes = land("order_lines", line(parts=[]), line(2, note=None, parts=[{}, {"codes": ["y", "z"]}]))
        land("sightings", sighting("sea", 2.50))
        build()
        assert query(f"{codes} order by 1, 2, 4") == [(1, "o", 1, 1, "x"), (2, "o-1", 2, 1, "y"), (2, "o-1", 2, 2, "z")]
        assert query(f"{BIRDS} desc") == [
            ("pond", "1", 2, "owl", 1),
            ("pond", "1", 1, "owl", 1),
            ("sea", "2.5", None, None, None),
        ]
        added = land("order_lines", line(9))
        assert project.run("run", "-s", "tag:order_lines").success
        assert query("select count(*) from marts.dim_order_lines_parts where line = 9") == [1]
        undo(str(changes))
        undo(str(added))
        build()
        assert query(f"{codes} order by 1, 2") == [(1, "o", 1, 1, "x"), (1, "o-1", 1, 1, "x"), (2, "o-1", 1, 1, "x")]
        assert query("select count(*) from marts.dim_order_lines where line = 9") == [0]
