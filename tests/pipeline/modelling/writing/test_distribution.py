"""The marts of one source are distributed alike, so that a child's foreign key to its parent holds on each node."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from loader.landing.raw_tables import make_raw_tables
from pipeline.modelling.design import Design
from pipeline.modelling.writing.marts import files
from tests.support.citus.stand_in import distributions, pretend_to_have_citus
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.landing import land
from tests.support.own_sources.designs import order_lines, sightings, write_project

MARTS = ("fct_order_lines", "fct_order_lines_parts", "fct_order_lines_parts_codes")
PARTS = "select order_id, line, parts_number, part_id from marts.fct_order_lines_parts order by 1, 2, 3"


@pytest.mark.parametrize(("design", "distribution"), [(sightings(), "sightings_key"), (order_lines(), "reference")])
def test_children_are_distributed_like_their_parent(design: Design, distribution: str) -> None:
    models = [yaml.safe_load(text)["models"][0] for path, text in files(design).items() if path.endswith(".yml")]
    assert len(models) > 1
    for model in models:
        assert model["config"]["meta"]["distribute"] == distribution
        assert distribution == "reference" or distribution in model["config"]["unique_key"]
    returned = [model["config"]["meta"].get("returns_every_row", False) for model in models]
    assert returned == [distribution == "reference"] + [False] * (len(models) - 1)


@pytest.mark.superuser
def test_distributed_children_follow_their_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None
) -> None:
    project = write_project(tmp_path, monkeypatch, replace(order_lines(), is_dimension=False))
    monkeypatch.setenv("WAYBILL_DISTRIBUTED", "true")

    def build() -> None:
        built = project.run("build")
        assert built.success, built.exception or failures(built)

    def line(*parts: str) -> dict[str, object]:
        return {
            "line": 1,
            "order": {"id": "o-1", "site": "here"},
            "parts": [{"id": part, "codes": ["x"]} for part in parts],
        }

    with fresh_database():
        make_raw_tables()
        pretend_to_have_citus()
        land("order_lines", line("bolt", "nut"))
        build()
        assert distributions() == dict.fromkeys(MARTS, "line")
        assert query(PARTS) == [("o-1", 1, 1, "bolt"), ("o-1", 1, 2, "nut")]
        land("order_lines", line("nut"))
        build()
        assert query(PARTS) == [("o-1", 1, 1, "nut")]
