"""Maps, deep nesting, many fields: which tables and columns hold them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def designed(documents: list[dict[str, Any]], **flags: Any) -> Design:
    return design(profiled(documents), "things", Flags(**flags))


def mapped(values: Any, names: int = 40) -> list[dict[str, Any]]:
    """Return documents whose field `map` has two of many names each."""
    return [
        {"id": number, "map": {f"k{number % names}": values(number), f"k{(number + 1) % names}": values(number)}}
        for number in range(names)
    ]


def test_an_object_whose_names_are_data_is_a_table() -> None:
    found = designed(mapped(lambda number: number / 2))
    table = found.tables[1]
    assert (table.kind, table.rows, found.primary_key(table)) == ("map", 80, ("id", "map_name"))
    assert [(column.name, column.path, column.type) for column in table.columns] == [("map_value", "/map/*", "numeric")]


def test_the_objects_of_a_map_become_columns() -> None:
    table = designed(mapped(lambda number: {"price": 1.5, "unit": "kg"})).tables[1]
    assert [(column.name, column.path) for column in table.columns] == [
        ("unit", "/map/*/unit"),
        ("price", "/map/*/price"),
    ]


@pytest.mark.parametrize(
    "documents",
    [
        mapped(lambda number: number if number % 2 else "text"),  # values are not alike
        mapped(lambda number: number, names=19),  # too few names
        [{"id": number, "map": {f"k{name}": 1 for name in range(30)}} for number in range(9)],  # always all names
    ],
)
def test_other_objects_stay_columns(documents: list[dict[str, Any]]) -> None:
    assert [table.kind for table in designed(documents).tables] == ["document"]


def test_years_as_names_are_a_map_from_eight_on() -> None:
    documents = [
        {"id": number, "by_year": {str(2000 + (number + extra) % 9): 1 for extra in (0, 1)}} for number in range(9)
    ]
    assert [table.kind for table in designed(documents).tables] == ["document", "map"]
    assert [table.kind for table in designed(documents, json=("/by_year",)).tables] == ["document"]


def test_the_user_makes_a_map() -> None:
    found = designed([{"id": 1, "names": {"en": "one", "de": "eins"}}], maps=("/names",))
    assert [column.name for column in found.tables[1].columns] == ["names_value"]


def test_documents_are_never_a_map() -> None:
    found = designed([{"id": number, f"k{number}": 1} for number in range(60)])
    assert len(found.tables) == 1
    assert len(found.root.columns) == 61


def test_more_than_eight_levels_of_tables_are_kept_as_json() -> None:
    value: Any = 1
    for _ in range(10):
        value = [{"a": value}]
    found = designed([{"id": 1, "a": value}])
    assert len(found.children) == 8
    assert [column.type for column in found.children[-1].columns] == ["jsonb"]


def test_fields_that_a_row_cannot_hold_are_kept_together() -> None:
    documents = [{"id": number, **{f"f{field:04}": "x" for field in range(2_000) if number % (1 + field % 5) == 0}}
                 for number in range(10)]  # fmt: skip
    root = designed(documents).root
    others = root.columns[-1]
    assert (others.name, others.type, others.path, len(root.columns) + len(others.others)) == (
        "other_fields",
        "jsonb",
        "",
        2_002,
    )
    assert sum(20 if column.type in ("text", "jsonb") else 8 for column in root.columns) <= 6_000
    kept = min(10 - column.missing for column in root.columns[:-1])
    assert kept >= max(1, 10 // 5)
    assert "id" in [column.name for column in root.columns]


def test_what_is_left_out_is_in_no_table() -> None:
    found = designed([{"id": 1, "a": {"b": 1, "c": 2}, "d": [1]}], left_out={"/a/b": "secret", "/d": "unused"})
    assert [column.path for table in found.tables for column in table.columns] == ["/id", "/a/c"]
    assert found.left_out == (("/a/b", "secret"), ("/d", "unused"))


def test_elements_that_are_null_are_rows() -> None:
    found = designed([{"id": 1, "a": [1, None], "b": [None], "c": [{"x": 1}, None, {}]}])
    assert {table.suffix: table.rows for table in found.children} == {"a": 2, "b": 1, "c": 3}


def test_shuffled_documents_and_members_make_the_same_design() -> None:
    documents = mapped(lambda number: {"price": number / 3, "tags": ["a"] * (number % 3), f"o{number % 5}": None})
    shuffled = random.Random(2).sample(documents, len(documents))
    turned = [dict(reversed(document.items())) for document in shuffled]
    assert designed(documents) == designed(turned)


def test_elements_of_an_array_can_be_left_out_or_kept_as_json() -> None:
    documents = [{"id": number, "list": [{"x": 1, "y": {"z": 2}}]} for number in range(3)]
    left = designed(documents, left_out={"/list/*": "not needed"})
    assert (left.tables[1].columns, left.left_out) == ((), (("/list/*", "not needed"),))
    (kept,) = designed(documents, json=("/list/*",)).tables[1].columns
    assert (kept.path, kept.type, kept.evidence) == ("/list/*", "jsonb", "as the flag says")
