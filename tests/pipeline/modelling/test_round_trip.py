"""Random sources, from their documents to marts built by dbt: no value is lost, and the export rebuilds the documents."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.databases import fresh_database, rows
from tests.support.own_sources.compared_documents import in_order
from tests.support.own_sources.filled_marts import value_counts
from tests.support.own_sources.modelled import ModelledSources, exported
from tests.support.own_sources.random_documents import sources

SOURCES_IN_A_BUILD = 4  # since a build takes some seconds, however few they are
BUILDS = max(1, settings().max_examples // 40)


# A member that is called `*` is neither an element nor a member of a map: beside both, below both, and what holds both.
STARS: list[dict[str, Any]] = [
    {"key": "a", "*": [{"n": 1, "*": {"x": "y"}}, {"n": 2}], "at": [{"*": [1, 2]}, {"*": []}]},
    {"key": "b", "*": [], "at": [{"*": [3]}], "map": {"2024-01-01": {"*": 1}, "2024-01-02": {"*": 2}}},
    {"key": "c", "map": {"2024-01-03": {"*": 3}}, "in": {"*": "text", "else": {"*": {"*": True}}}},
]


def counted(mart: str, columns: list[str]) -> dict[str, int]:
    selected = ", ".join("count(*)" if column == "rows" else f'count("{column}")' for column in columns)
    return dict(zip(columns, rows(f"select {selected} from marts.{mart}")[0], strict=True))


@settings(max_examples=BUILDS, phases=[Phase.explicit, Phase.generate])  # to shrink an example takes hours
@given(found=st.lists(sources(), min_size=SOURCES_IN_A_BUILD, max_size=SOURCES_IN_A_BUILD))
def test_built_marts_hold_all_values(server: None, found: list[list[dict[str, Any]]]) -> None:
    documents = {f"things_{number}": values for number, values in enumerate(found, start=1)}
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder, fresh_database():
        modelled = ModelledSources(Path(folder), patch, documents)
        modelled.build()
        rebuilt = exported(Path(folder) / "exports", *modelled.designs.values())
        for source, values in documents.items():
            expected = value_counts(modelled.designs[source], values)
            assert {mart: counted(mart, list(columns)) for mart, columns in expected.items()} == expected
            assert in_order(rebuilt[source]) == in_order(values)


def test_a_member_called_star_is_kept_like_any_other(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database():
        modelled = ModelledSources(tmp_path, monkeypatch, {"stars": STARS})
        modelled.build()
        rebuilt = exported(tmp_path / "exports", *modelled.designs.values())
    assert in_order(rebuilt["stars"]) == in_order(STARS)
