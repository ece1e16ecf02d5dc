"""Documents that are odd but valid become tables all the same, and later documents do not stop a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import rows
from tests.support.own_sources.clone import NewProject, next_commands


@pytest.fixture(scope="module")
def project(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewProject]:
    yield NewProject(tmp_path_factory.mktemp("odd"))


def lines(documents: list[Any]) -> str:
    return "\n".join(json.dumps(document) for document in documents) + "\n"


def built(project: NewProject, source: str, path: Path, *flags: str) -> str:
    """Model, load and build a source; return the output of `waybill new`."""
    output = project.waybill("new", source, path, *flags).stdout
    for line in next_commands(output):
        project.typed(line)
    return output


def test_a_key_that_repeats_tomorrow_stops_nothing(project: NewProject) -> None:
    today = [{"code": f"c{number}", "price": number} for number in range(20)]
    assert "key: /code" in built(project, "prices", project.write("prices.ndjson", lines(today)))
    tomorrow = [{"code": "c1", "price": 100}, {"code": "c2", "price": 2}, {"code": "new", "price": 0.5}]
    project.waybill("load", "prices", project.write("tomorrow.ndjson", lines(tomorrow)))
    project.waybill("dbt", "build", "--select", "tag:prices")
    outcomes = "select outcome, count(*) from intermediate.int_prices_deduplicated group by 1 order by 1"
    assert rows(outcomes) == [("current", 20), ("duplicate", 1), ("superseded", 1), ("uncastable", 1)]
    assert rows("select price from marts.fct_prices where code = 'c1'") == [(100,)]


def test_two_thousand_names_fit_into_one_table(project: NewProject) -> None:
    documents = [
        {"id": number, **{f"f{name}": f"{name}" for name in range(number * 20, number * 20 + 20)}}
        for number in range(100)
    ]
    built(project, "wide", project.write("wide.ndjson", lines(documents)))
    assert rows("select count(*) from marts.fct_wide") == [(100,)]
    (held,) = rows("select to_jsonb(wide) ->> 'f0', other_fields from marts.fct_wide as wide where id = 99")[0][1:]
    assert held


def test_two_hundred_levels_are_kept(project: NewProject) -> None:
    deep: Any = "bottom"
    for level in range(200):
        deep = [deep] if level % 2 else {"down": deep}
    output = built(project, "deep", project.write("deep.ndjson", lines([{"id": "a", "top": deep}])))
    assert "jsonb" in output
    marts = rows("select table_name from information_schema.tables where table_name like 'fct\\_deep%' order by 1")
    held = [rows(f"select count(*) from marts.{mart} as mart where mart::text like '%bottom%'")[0] for (mart,) in marts]
    assert held.count((1,)) == 1


def test_files_of_several_layouts_are_one_source(project: NewProject) -> None:
    folder = project.data / "mixed_layouts"
    project.write("mixed_layouts/a.ndjson", lines([{"id": 1, "x": "a"}, {"id": 2, "x": "b"}]))
    project.write("mixed_layouts/b.json", json.dumps([{"id": 3, "x": "c"}, {"id": 4, "x": "d"}]))
    project.write("mixed_layouts/c.json", json.dumps({"page": 1, "data": [{"id": 5, "x": "e"}, {"id": 6, "x": "f"}]}))
    project.write("mixed_layouts/notes.txt", "not a document")
    output = built(project, "layouts", folder)
    assert "notes.txt" in output
    assert rows("select string_agg(x, '' order by id) from marts.fct_layouts") == [("abcdef",)]
