"""Random documents, fields and values of which arrive late: adopting all loses no value and changes no decision."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from pipeline.modelling.adopting.conflicts import node_at
from pipeline.modelling.adopting.redesign import Redesign
from pipeline.modelling.deciding.values.castable import uncastable
from pipeline.modelling.design import JSON, Design
from pipeline.modelling.profiling.profiling import profile
from tests.support.databases import fresh_database, rows
from tests.support.own_sources.adopted import AdoptingProject
from tests.support.own_sources.compared_documents import in_order
from tests.support.own_sources.filled_marts import value_counts
from tests.support.own_sources.modelled import ModelledSources, exported
from tests.support.own_sources.random_documents import sources
from waybill.json_pointers import split_pointer

QUICK = (Phase.explicit, Phase.generate)  # without shrinking, which takes minutes
SOURCES_IN_A_BUILD = 4
BUILDS = max(1, settings().max_examples // 40)
Documents = list[dict[str, Any]]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Documents, Documents]:
    """Return early documents, which lack some fields, and all documents."""
    documents = draw(sources())
    fields = sorted({name for document in documents for name in document} - {"key"})
    late = set(draw(st.lists(st.sampled_from(fields), unique=True))) if fields else set()
    number = draw(st.integers(1, len(documents)))
    early = [{name: value for name, value in document.items() if name not in late} for document in documents[:number]]
    spelled = {repr(document) for document in early}
    assume(any(early) and len(spelled) == len(early))
    return early, early + [document for document in documents[number:] if repr(document) not in spelled]


def adopted(folder: Path, patch: pytest.MonkeyPatch, early: Documents, landed: Documents) -> tuple[Design, Redesign]:
    """Return the design of the early documents, and those when all that landed is adopted."""
    project = AdoptingProject(folder, patch, "things")
    made = project.new(early)
    found = project.adopt(landed)
    assert project.decide(landed)[1].names == []
    return made, fitted(project, landed, found)


def fitted(project: AdoptingProject, landed: Documents, found: Redesign) -> Redesign:
    """Return the design when the paths are named, too, that change only then."""
    assert carried(found.before).keys() <= carried(found.after).keys()
    if not found.withheld:
        return found
    named = project.adopt(landed, *(one.path for one in found.withheld))
    assert project.decide(landed)[0].withheld == ()
    return named


def carried(made: Design) -> dict[str, tuple[str, str]]:
    """Return path → name and type of all columns."""
    return {column.path: (column.name, column.type) for table in made.tables for column in table.columns}


@settings(deadline=None, phases=QUICK)
@given(arrived=arrivals())
def test_what_exists_stays_and_all_values_fit(arrived: tuple[Documents, Documents]) -> None:
    early, landed = arrived
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        before, found = adopted(Path(folder), patch, early, landed)
        root = profile("things", [Path(folder, "things.ndjson")], layout="ndjson").root
    after = carried(found.after)
    for path, (name, type_) in carried(before).items():
        node = node_at(root, tuple(split_pointer(path)))
        if path in after:
            assert after[path][0] == name
            assert after[path][1] == type_ or node is None or uncastable(node, type_)
    for path, (_, type_) in after.items():
        node = node_at(root, tuple(split_pointer(path)))
        assert type_ == JSON or node is None or not uncastable(node, type_)


@settings(deadline=None, phases=QUICK)
@given(arrived=arrivals())
def test_naming_each_new_column_is_adopting_all(arrived: tuple[Documents, Documents]) -> None:
    early, landed = arrived
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        before = AdoptingProject(_folder(folder, "a"), patch, "things")
        before.new(early)
        whole = before.adopt(landed)
        project = AdoptingProject(_folder(folder, "b"), patch, "things")
        project.new(early)
        known = set(carried(whole.before))
        new = [path for path in carried(whole.after) if path not in known]
        assume(new and carried(whole.after).keys() >= known)
        assume(all(carried(whole.after)[path] == held for path, held in carried(whole.before).items()))
        named = project.adopt(landed, *new)
        assert carried(named.after) == carried(whole.after)
        assert [table.path for table in named.after.tables] == [table.path for table in whole.after.tables]


def _folder(folder: str, name: str) -> Path:
    made = Path(folder) / name
    made.mkdir()
    return made


def counted(mart: str, columns: Sequence[str]) -> dict[str, int]:
    selected = ", ".join("count(*)" if column == "rows" else f'count("{column}")' for column in columns)
    return dict(zip(columns, rows(f"select {selected} from marts.{mart}")[0], strict=True))


@settings(max_examples=BUILDS, phases=QUICK)
@given(found=st.lists(arrivals(), min_size=SOURCES_IN_A_BUILD, max_size=SOURCES_IN_A_BUILD))
def test_marts_of_adopted_sources_hold_all_values(server: None, found: list[tuple[Documents, Documents]]) -> None:
    documents, designs = {}, {}
    for number, (early, landed) in enumerate(found, start=1):
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            project = AdoptingProject(Path(folder), patch, f"things_{number}")
            project.new(early)
            designs[f"things_{number}"] = fitted(project, landed, project.adopt(landed)).after
            documents[f"things_{number}"] = landed
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder, fresh_database():
        modelled = ModelledSources(Path(folder), patch, documents, designs)
        modelled.build()
        rebuilt = exported(Path(folder) / "exports", *designs.values())
        for source, values in documents.items():
            expected = value_counts(designs[source], values)
            assert {mart: counted(mart, list(columns)) for mart, columns in expected.items()} == expected
            assert in_order(rebuilt[source]) == in_order(values)
