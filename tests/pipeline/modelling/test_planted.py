"""The planted corpus, from `waybill new` to the marts: each leaf is in the column that was written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pipeline.modelling.planted import PLANTED, Planted, Rows
from tests.support.databases import rows
from tests.support.own_sources.clone import NewProject, next_commands

TYPES = """
select column_name, data_type from information_schema.columns
where table_schema = 'marts' and table_name = %s and column_name not like '\\_%%' order by column_name
"""


@pytest.fixture(scope="module")
def project(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewProject]:
    """Return a project with all planted sources, loaded and built."""
    made = NewProject(tmp_path_factory.mktemp("planted"))
    for planted in PLANTED:
        path = made.write(f"{planted.source}.ndjson", "\n".join(planted.lines) + "\n")
        output = made.waybill("new", planted.source, path, *planted.flags).stdout
        load, *_ = next_commands(output)
        made.typed(load)
    made.waybill("dbt", "build", "--select", *(f"tag:{planted.source}" for planted in PLANTED))
    yield made


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.source for planted in PLANTED])
def test_every_leaf_is_in_its_column(project: NewProject, planted: Planted) -> None:
    for mart, expected in planted.marts.items():
        types: dict[str, str] = dict(rows(TYPES, mart))  # type: ignore[arg-type]
        types.pop(f"{planted.source}_key", None)
        assert sorted({name for row in expected for name in row}) == sorted(types), mart
        assert found(mart, types) == wanted(expected, types), mart


def test_the_marts_are_those_of_the_corpus(project: NewProject) -> None:
    names = {name for (name,) in rows("select table_name from information_schema.tables where table_schema = 'marts'")}
    assert names == {mart for planted in PLANTED for mart in planted.marts}


def found(mart: str, types: dict[str, str]) -> list[Any]:
    columns = ", ".join(f'"{name}"::text' for name in types)
    return in_order([read(value, types[name]) for name, value in zip(types, row, strict=True)]
                    for row in rows(f"select {columns} from marts.{mart}"))  # fmt: skip


def wanted(expected: Rows, types: dict[str, str]) -> list[Any]:
    return in_order([written(row.get(name), types[name]) for name in types] for row in expected)


def in_order(found: Any) -> list[Any]:
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def read(text: str | None, type_: str) -> Any:
    if text is None:
        return None
    return json.loads(text) if type_ == "jsonb" else float(text) if type_ == "double precision" else text


def written(value: Any, type_: str) -> Any:
    if value is None or type_ == "jsonb":
        return value
    if type_ == "double precision":
        return float(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
