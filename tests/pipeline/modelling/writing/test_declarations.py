"""The declaration, contract and source yml that are written for a source say what was decided, and fit the loader."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import loader.declarations
from loader.checking.contracts import Contract, read_contract
from loader.declarations import FilePattern, Source, read_source
from loader.declared_types import VALUE
from pipeline.dbt import sources_files, sources_yml
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Column, Decision, Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.writing import contract, declaration, source_yml
from tests.pipeline.modelling.deciding.plain_profiles import profiled
from tests.pipeline.modelling.deciding.test_designs import restaurants

ODD = ["no", "a: b", "#x", "é", "a/b", "m~n", "\U0001f600", "two\nlines", "{{ x }}", "*", "- x", "'", '"', ""]


def designed(documents: list[dict[str, Any]], flags: Flags | None = None) -> Design:
    return design(profiled(documents), "restaurants", flags or Flags())


def declared(found: Design) -> dict[str, Any]:
    (text,) = declaration.files(found).values()
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def compiled(found: Design) -> Contract:
    (text,) = contract.files(found).values()
    return Contract(json.loads(text), "")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which written files are used as the project's."""
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path / "loader" / "sources")
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path / "loader" / "contracts")
    monkeypatch.setattr(sources_files, "DBT_PROJECT", tmp_path / "dbt_project")
    return tmp_path


def test_a_declaration_says_key_version_and_what_is_carried() -> None:
    found = declared(replace(designed(restaurants()), files=(FilePattern(pattern="r/*.json", layout="array"),)))
    assert {name: found[name] for name in ("source", "contract", "topic", "key", "version", "files")} == {
        "source": "restaurants",
        "contract": "restaurants.schema.json",
        "topic": "restaurants",
        "key": ["/restaurant_id"],
        "version": "/updated_at",
        "files": [{"pattern": "r/*.json", "layout": "array"}],
    }
    assert found["carried"]["fct_restaurants_grades"] == {
        "grades_number": {"number_of": "/grades/*"},
        "grade": "/grades/*/grade",
        "score": "/grades/*/score",
    }
    assert found["carried"]["fct_restaurants"]["id"] == "/_id/$oid"


def test_each_decision_is_a_comment_of_short_lines() -> None:
    found = replace(
        designed(restaurants()),
        decisions=(
            Decision("key", "/restaurant_id", "60 of 60 unique", "--key"),
            Decision("/grades", "table grades", "array " + "of many words " * 30, "--json /grades"),
            Decision("/odd", "text", "a\nb\u2028c\x1b"),
        ),
        merged=(("/x", "3 null, 2 absent"),),
    )
    text = declaration.declaration(found)
    assert "# /restaurant_id: 60 of 60 unique (--key)\nkey: [/restaurant_id]\n" in text
    assert "# /odd: text: a\\nb\\u2028c\\x1b\n" in text
    assert "# /x: 3 null, 2 absent\n" in text
    assert max(map(len, text.splitlines())) <= 120
    assert yaml.safe_load(text) == declared(designed(restaurants()))


def test_withdrawals_left_out_paths_and_odd_names_are_read_back() -> None:
    odd = tuple((f"/{name.replace('~', '~0').replace('/', '~1')}", f"{name} is odd") for name in ODD)
    found = replace(designed(restaurants()), withdrawn_when=("/no", ("no", "a: b", "é\n")), left_out=odd)
    content = declared(found)
    assert content["withdrawn_when"] == {"/no": ["no", "a: b", "é\n"]}
    assert content["left_out"] == dict(odd)
    assert Source.model_validate(content).withdrawn_when


def test_a_column_of_other_fields_lists_its_members() -> None:
    found = designed(restaurants())
    many = tuple(f"/field_{number}" for number in range(30))
    others = Column("other_fields", "", "", "jsonb", 60, others=many)
    found = replace(found, tables=(replace(found.root, columns=(*found.root.columns, others)), *found.children))
    assert declared(found)["carried"]["fct_restaurants"]["other_fields"] == {"members": list(many)}
    assert set(contract.contract(found)["properties"]) >= {name[1:] for name in many}


def test_a_contract_takes_the_documents_and_knows_their_fields() -> None:
    checked = compiled(designed(restaurants()))
    for document in restaurants():
        assert checked.breach(document) is None
        assert checked.knows_all(document)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"colour": 1}, "/colour"),
        ({"address": {"street": "x", "floor": 2}}, "/address/floor"),
        ({"grades": [{"grade": "A", "by": None}]}, "/grades/*/by"),
        ({"grades": [{"marks": [{"by": {}}]}]}, "/grades/*/marks/*/by"),
        ({"_id": {"$oid": "1", "more": 1}}, "/_id/more"),
    ],
    ids=str,
)
def test_an_unknown_field_anywhere_is_drift(change: dict[str, Any], pointer: str) -> None:
    checked = compiled(designed(restaurants()))
    document = restaurants()[1] | change
    assert checked.breach(document) is None
    assert [found for found, _ in checked.unknown_fields(document)] == [pointer]


@pytest.mark.parametrize(
    "change",
    [{"restaurant_id": None}, {"restaurant_id": ""}, {"restaurant_id": 5}, {"restaurant_id": {}}],
    ids=str,
)
def test_a_document_without_its_key_is_rejected(change: dict[str, Any]) -> None:
    assert compiled(designed(restaurants())).breach(restaurants()[1] | change)


def test_values_of_other_types_than_seen_are_not_rejected() -> None:
    document = {"restaurant_id": "x", "updated_at": 5, "address": 1, "grades": "none", "_id": []}
    assert compiled(designed(restaurants())).breach(document) is None


def test_a_wrapped_key_and_a_version_are_required() -> None:
    found = designed(restaurants(), Flags(key=("/_id/$oid",)))
    checked = compiled(found)
    assert checked.breach(restaurants()[1]) is None
    changes: list[dict[str, Any]] = [{"_id": None}, {"_id": {}}, {"_id": {"$oid": ""}}, {"_id": {"$oid": 5}}]
    for change in changes:
        assert checked.breach(restaurants()[1] | change)
    assert checked.breach({name: value for name, value in restaurants()[1].items() if name != "updated_at"})


def test_a_map_names_no_members() -> None:
    documents = [
        {"id": number, "prices": {f"p{number}": {"net": number}, f"q{number}": {"net": 1}}} for number in range(200)
    ]
    found = designed(documents)
    assert [table.kind for table in found.tables] == ["document", "map"]
    checked = compiled(found)
    assert checked.knows_all({"id": 1, "prices": {"any": {"net": 1}}})
    assert [pointer for pointer, _ in checked.unknown_fields({"id": 1, "prices": {"any": {"gross": 1}}})] == [
        "/prices/*/gross"
    ]


def test_what_is_left_out_is_known() -> None:
    documents = [document | {"notes": {"a": 1}, "tags": [{"x": 1, "y": 2}]} for document in restaurants()]
    flags = Flags(left_out={"/notes": "not needed", "/tags/*/y": "not needed"})
    assert all(map(compiled(designed(documents, flags)).knows_all, documents))


@pytest.mark.parametrize("key", [("/restaurant_id",), (VALUE,)])
def test_the_written_files_are_what_the_project_expects(project: Path, key: tuple[str, ...]) -> None:
    found = replace(designed(restaurants(), Flags(key=key)), version="delivery")
    for writer in (declaration, contract, source_yml):
        for name, text in writer.files(found).items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text)
    assert read_contract(read_source("restaurants")).digest
    before = (project / "dbt_project/models/staging/restaurants/_raw_restaurants.yml").read_bytes()
    assert sources_yml.changed_files() == []
    assert sources_files.source_file("restaurants").read_bytes() == before
    assert read_source("restaurants").key == list(key)


def test_a_mart_without_columns_carries_nothing() -> None:
    found = declared(designed([{"tags": ["a", "b"]}, {"tags": ["a"]}]))
    assert found["key"] == "value"
    assert found["carried"]["fct_restaurants"] == {}
