"""Names of columns and tables follow rules that look at one path only."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.deciding.naming.names import cut_name, distinct_names, snake_case
from pipeline.modelling.flags import Flags
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def names_of(document: dict[str, Any], **flags: Any) -> dict[str, str]:
    """Return path -> column of the documents' own table."""
    found = design(profiled([document]), "things", Flags(**flags))
    return {column.path: column.name for column in found.root.columns}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("userId", "user_id"),
        ("HTTPServer", "http_server"),
        ("User ID", "user_id"),
        ("IMDB Rating", "imdb_rating"),
        ("école", "ecole"),
        ("Straße", "strasse"),
        ("a.b-c", "a_b_c"),
        ("日本", ""),
        ("$oid", "oid"),
        ("_id", "id"),
        ("2013", "2013"),
        ("+1", "plus_1"),
        ("-1", "minus_1"),
    ],
)
def test_a_name_becomes_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_names_that_are_taken_get_an_ending() -> None:
    assert names_of({"order": 1, "outcome": 2, "source": 3, "xmin": 4, "2013": 5, "metadata": 6, "": 7}) == {
        "/order": "order_field",
        "/outcome": "outcome_field",
        "/source": "source_field",
        "/xmin": "xmin_field",
        "/2013": "field_2013",
        "/metadata": "metadata_field",
        "/": "field",
    }


def test_of_equal_names_the_exact_one_stays() -> None:
    names = names_of({"userId": 1, "user_id": 2, "UserID": 3, "a.b": 4, "a": {"b": 5}, "aB": 6})
    assert (names["/user_id"], names["/a/b"]) == ("user_id", "a_b")
    others = [name for path, name in names.items() if path not in ("/user_id", "/a/b")]
    assert len(set(others)) == 4
    assert {name[:-7] for name in others} == {"user_id", "a_b"}


def test_equal_names_do_not_depend_on_the_others_order() -> None:
    wanted = {("userId",): "user_id", ("UserID",): "user_id"}
    assert distinct_names(wanted) == distinct_names(dict(reversed(wanted.items())))


def test_a_long_name_is_cut_and_keeps_the_digits_of_its_path() -> None:
    cut = cut_name("x" * 80, ("x" * 80,))
    assert (len(cut), cut[:48], cut[48]) == (55, "x" * 48, "_")


def test_an_id_of_an_element_gets_the_name_of_its_array() -> None:
    found = design(
        profiled([{"id": 1, "items": [{"id": 5, "items_number": 2, "sub": [{"id": 6}]}]}]), "orders", Flags()
    )
    assert found.primary_key(found.table("items")) == ("id", "items_number")
    assert [column.name for column in found.table("items").columns] == ["items_id", "items_items_number"]
    assert [column.name for column in found.table("items_sub").columns] == ["sub_id"]


def test_arrays_of_one_name_number_their_rows_apart() -> None:
    found = design(profiled([{"id": 1, "a": [{"a": [{"b": 1}]}]}]), "things", Flags())
    assert found.primary_key(found.tables[2]) == ("id", "a_number", "a_a_number")


def test_the_rule_for_the_name_of_a_table_is_listed() -> None:
    long = "a_list_with_a_name_that_is_longer_than_a_table_may_have"
    found = design(profiled([{"id": 1, "a_b": [1], "aB": [2], long: [3]}]), "things", Flags())
    listed = {each.about: each.evidence for each in found.decisions if each.choice.startswith("name ")}
    assert listed["/aB"] == "another table is named a_b, too; the digits are of the path's SHA-256"
    assert listed[f"/{long}"] == f"its path makes a name of {len(long)} bytes, cut with digits of the path's SHA-256"
    assert "/a_b" not in listed


def test_the_user_names_columns_and_tables() -> None:
    flags = Flags(
        columns={"/_id": "key", "/tags/*/userId": "user"[:4] + "_name"}, tables={"/tags": "fct_things_labels"}
    )
    found = design(profiled([{"_id": {"$oid": "a"}, "tags": [{"userId": 1}]}]), "things", flags)
    assert (found.key_columns, found.mart(found.tables[1])) == (("key",), "fct_things_labels")
    assert [column.name for column in found.tables[1].columns] == ["user_name"]


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        ({"columns": {"/a": "b", "/b": "b"}}, "--column: b is given to two paths"),
        ({"columns": {"/a": "order"}}, "order is a name that SQL or PostgreSQL reserves"),
        ({"columns": {"/a": "outcome"}}, "outcome is a name that the pipeline uses"),
        ({"columns": {"/a": "No Name"}}, "lower-case letters"),
        ({"columns": {"/list/*/x": "id"}}, "id is the name of a key column"),
        ({"tables": {"/list": "x" * 60}}, "at most 44 of them after fct_things_"),
        ({"tables": {"/nope": "x"}}, "no such array or map with a table"),
    ],
)
def test_a_name_that_cannot_be_is_refused(flags: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ModellingRefused) as refused:
        design(profiled([{"id": 1, "a": 1, "b": 2, "list": [{"x": 1}]}]), "things", Flags(**flags))
    assert wrong in str(refused.value)
