"""After a rename, each file is what `waybill new` would have written under the new name; edited files stay edited."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.designing import design as decided
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.project_files import project_files
from pipeline.modelling.removing.owned_files import OwnedFiles
from pipeline.modelling.renaming.files import FileChange, file_change
from pipeline.modelling.renaming.macro_arguments import source_arguments, with_source
from pipeline.modelling.renaming.names import Renaming
from tests.pipeline.modelling.deciding.plain_profiles import profiled
from tests.pipeline.modelling.mutated import visits
from tests.support.own_sources.designs import column, design, order_lines, restaurants, sightings, table
from waybill.project.file_tags import read_tag, with_source_tag, without_tag
from waybill.settings import PROJECT

USES = {
    "dbt_project/models/marts/fct_visits.sql": "select * from {{ ref('fct_sightings') }} -- fct_sightings_seen\n",
    "dbt_project/models/marts/fct_visits.yml": "columns:\n  - name: sightings\n    meta: {refers_to: fct_sightings_birds}\n",
    "dbt_project/tests/assert_birds.sql": "select sightings_key from marts.fct_sightings_birds where site = 'sightings'\n",
    "ml/tasks/rain.yml": "task: rain\ntable: fct_sightings\nkey: sightings_key\n",
    "notebooks/02-mine.ipynb": '{"cells": [{"source": ["select * from raw.sightings, marts.fct_sightings"]}]}\n',
    "ml/tasks/other.yml": "task: other\ntable: fct_visits\nkey: sightings_key\n",
}


def named_like_a_field() -> Design:
    """Return a design with a field and an array of the source's own name, and texts that name it."""
    inner = table("/all/cafes", "array", column("cafes_value", "", within="/all/cafes/*"))
    return design(
        "cafes",
        column("cafes", "/cafes"),
        column("cafes_count", "/cafes_count", "integer", lowest="1", highest="2"),
        column("kind", "/kind", values=(("cafes", 5), ("bars", 5))),
        key=("value",),
        version="delivery",
        children=(inner,),
    )


DESIGNS = [restaurants(), sightings(), order_lines(), named_like_a_field()]
NAMES = st.from_regex(r"[a-z][a-z0-9_]{2,30}", fullmatch=True).filter(lambda name: not name.endswith("_"))


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")


def made(project: Path, one: Design) -> dict[str, str]:
    """Give the project the files of a design, and the macros of dbt."""
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(PROJECT / "dbt_project/macros", project / "dbt_project/macros")
    files = project_files(one)
    write(project, files)
    return files


def renamed(project: Path, old: str, new: str) -> FileChange:
    owned = OwnedFiles(project, old)
    return file_change(project, owned, Renaming.of(owned, new))


def expected(one: Design, new: str, old: str | None = None) -> dict[str, str]:
    """Return the files of the same design under another name; topic and contract are those of the old one."""
    files = project_files(replace(one, source=new))
    for name in (f"loader/sources/{new}.yml", f"loader/contracts/{new}.schema.json"):
        text = re.sub("(?m)^topic: .*$", f"topic: {old or one.source}", without_tag(files[name]))
        files[name] = with_source_tag(name, text, new)
    return files


@pytest.mark.parametrize("one", DESIGNS, ids=lambda one: one.source)
def test_files_are_those_of_a_source_of_the_new_name(tmp_path: Path, one: Design) -> None:
    files = made(tmp_path, one)
    change = renamed(tmp_path, one.source, "museum_visits")
    assert change.added == expected(one, "museum_visits")
    assert (change.replaced, change.removed) == ({}, sorted(files))


def test_suites_and_descriptions_are_those_of_the_new_name(tmp_path: Path) -> None:
    made(tmp_path, decided(profiled(visits(200)), "visits", Flags()))
    change = renamed(tmp_path, "visits", "museum_tours")
    assert change.added == expected(decided(profiled(visits(200)), "museum_tours", Flags()), "museum_tours", "visits")
    assert "unexpected_rows_query" in change.added["expectations/context/suites/fct_museum_tours.json"]


@given(new=NAMES, number=st.integers(0, len(DESIGNS) - 1))
def test_any_name_and_back_changes_nothing(tmp_path_factory: pytest.TempPathFactory, new: str, number: int) -> None:
    one, project = DESIGNS[number], tmp_path_factory.getbasetemp() / "renamed"
    files = made(project, one)
    try:
        change = renamed(project, one.source, new)
    except ModellingRefused:
        return  # a model or a column has that name
    for name in change.removed:
        (project / name).unlink()
    write(project, change.added)
    back = renamed(project, new, one.source)
    assert {**change.added, **back.added, **back.replaced}.items() >= files.items()


def test_edited_files_stay_edited(tmp_path: Path) -> None:
    made(tmp_path, sightings())
    path = tmp_path / "dbt_project/models/marts/sightings/fct_sightings.sql"
    path.write_text(path.read_text().replace("final as", "mine as"))
    change = renamed(tmp_path, "sightings", "visits")
    edited = [name for name, text in change.added.items() if (tag := read_tag(text)) and tag.is_edited]
    assert edited == ["dbt_project/models/marts/visits/fct_visits.sql"]
    assert "mine as" in change.added[edited[0]]


def test_files_that_use_its_marts_are_changed(tmp_path: Path) -> None:
    made(tmp_path, sightings())
    write(tmp_path, USES)
    assert renamed(tmp_path, "sightings", "watch").replaced == {
        "dbt_project/models/marts/fct_visits.sql": "select * from {{ ref('fct_watch') }} -- fct_sightings_seen\n",
        "dbt_project/models/marts/fct_visits.yml": "columns:\n  - name: sightings\n    meta: {refers_to: fct_watch_birds}\n",
        "ml/tasks/rain.yml": "task: rain\ntable: fct_watch\nkey: watch_key\n",
        "notebooks/02-mine.ipynb": '{"cells": [{"source": ["select * from raw.watch, marts.fct_watch"]}]}\n',
    } | {"dbt_project/tests/assert_birds.sql": "select watch_key from marts.fct_watch_birds where site = 'sightings'\n"}


def test_a_text_that_may_mean_something_else_is_named(tmp_path: Path) -> None:
    made(tmp_path, sightings())
    write(tmp_path, {"dbt_project/macros/mine/rain.sql": "{% if kind == 'sightings' %}1{% endif %}\n"})
    with pytest.raises(ModellingRefused, match=r"macros/mine/rain\.sql: 'sightings' may mean something else there"):
        renamed(tmp_path, "sightings", "watch")


def test_only_the_argument_that_names_a_source_is_renamed() -> None:
    macros = source_arguments(PROJECT / "dbt_project" / "macros")
    assert (macros["run_documents"], macros["uncastable_reason"]) == (0, 2)
    text = (
        "{{ uncastable_reason({'a': 'cafes'}, f('cafes', x(1)), 'cafes', row=['cafes']) }} {{ run_documents('cafes') }}"
    )
    assert with_source(text, macros, "cafes", "bars") == (
        "{{ uncastable_reason({'a': 'cafes'}, f('cafes', x(1)), 'bars', row=['cafes']) }} {{ run_documents('bars') }}"
    )
