"""The marts of one source are distributed alike, so that a child's foreign key to its parent holds on each node."""

from __future__ import annotations

import pytest
import yaml

from pipeline.modelling.design import Design
from pipeline.modelling.writing.marts import files
from tests.support.own_sources.designs import order_lines, sightings


@pytest.mark.parametrize(("design", "distribution"), [(sightings(), "sightings_key"), (order_lines(), "reference")])
def test_children_are_distributed_like_their_parent(design: Design, distribution: str) -> None:
    models = [yaml.safe_load(text)["models"][0] for path, text in files(design).items() if path.endswith(".yml")]
    assert len(models) > 1
    for model in models:
        assert model["config"]["meta"]["distribute"] == distribution
        assert distribution == "reference" or distribution in model["config"]["unique_key"]
    returned = [model["config"]["meta"].get("returns_every_row", False) for model in models]
    assert returned == [distribution == "reference"] + [False] * (len(models) - 1)
