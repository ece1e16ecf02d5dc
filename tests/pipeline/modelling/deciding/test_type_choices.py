"""The type of a column is decided by every value at its path."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Column
from pipeline.modelling.flags import Flags
from tests.pipeline.modelling.deciding.plain_profiles import profiled

INSTANT = "2024-02-29T12:00:00Z"


def column_of(*values: Any, **flags: Any) -> Column:
    """Return the column of a field with these values, one in each document."""
    documents = [{"id": f"a{number}", "field": value} for number, value in enumerate(values)]
    found = design(profiled(documents), "things", Flags(**flags))
    return next(column for column in found.root.columns if column.path.startswith("/field"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 2**31 - 1, -(2**31)), "integer"),
        ((1.0, 2), "integer"),
        ((1, 2**31), "bigint"),
        ((1, 2**63), "numeric"),
        ((1, 10**41), "jsonb"),
        ((0.1, 12.5), "numeric"),
        ((0.123456, 1), "double precision"),
        ((True, False), "boolean"),
        (("2024-02-29", "2023-01-01"), "date"),
        ((INSTANT, "2024-02-29T12:00:00.5+02:00"), "timestamptz"),
        (("2024-02-29T12:00:00.1234567Z",), "text"),
        (("2024-02-29T12:00:00", "2024-02-29T12:00:00"), "text"),
        (("2024-02-29", "NA"), "text"),
        (("007", "1"), "text"),
        (("yes", "no"), "text"),
        ((1, "1"), "jsonb"),
        ((1, {"x": 1}), "jsonb"),
        (("a", ["a"]), "jsonb"),
        ((True, 1), "jsonb"),
        ((None, None), "text"),
        (({}, {}), "jsonb"),
        (([], []), "jsonb"),
        (([[1]], []), "jsonb"),
        (([1, {"x": 1}], []), "jsonb"),
    ],
)
def test_the_type_holds_every_value(values: tuple[Any, ...], expected: str) -> None:
    assert column_of(*values).type == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"$oid": "5f1e"}, ("/field/$oid", "text", "$oid")),
        ({"$date": INSTANT}, ("/field/$date", "timestamptz", "$date")),
        ({"$date": 1393804800000}, ("/field/$date", "epoch_milliseconds", "$date")),
        (
            {"$date": {"$numberLong": "1393804800000"}},
            ("/field/$date/$numberLong", "epoch_milliseconds", "$numberLong"),
        ),
        ({"$numberLong": "9007199254740993"}, ("/field/$numberLong", "bigint", "$numberLong")),
        ({"$numberInt": "5"}, ("/field/$numberInt", "bigint", "$numberInt")),
        ({"$numberDouble": "0.5"}, ("/field/$numberDouble", "double precision", "$numberDouble")),
        ({"$numberDouble": "Infinity"}, ("/field/$numberDouble", "text", "$numberDouble")),
        ({"$numberDecimal": "0.10"}, ("/field/$numberDecimal", "numeric", "$numberDecimal")),
    ],
)
def test_a_wrapper_is_its_value(value: Any, expected: tuple[str, str, str]) -> None:
    column = column_of(value, None)
    assert (column.name, column.missing) == ("field", 1)
    assert (column.path, column.type, column.wrapper) == expected


def test_a_wrapper_beside_other_members_is_an_object() -> None:
    found = design(profiled([{"id": 1, "at": {"$date": INSTANT, "zone": "UTC"}}]), "things", Flags())
    assert {column.name: column.path for column in found.root.columns} == {
        "id": "/id",
        "at_date": "/at/$date",
        "at_zone": "/at/zone",
    }


def test_words_for_no_value_are_named_with_the_line_to_declare() -> None:
    documents = [{"id": f"a{number}", "born": value} for number, value in enumerate(["2024-02-29", "", "NA"])]
    decided = {each.about: each for each in design(profiled(documents), "things", Flags()).decisions}
    assert decided["/born"].choice == "born text"
    assert decided["/born"].evidence == "1 of 3 are dates, the other 2 mean no value"
    assert decided["/born"].flag.startswith('missing_texts: {/born: [NA, ""]}')


def test_an_epoch_is_proposed_and_applied_by_its_flag_only() -> None:
    documents = [{"id": f"a{number}", "created": 1_700_000_000 + number} for number in range(3)]
    found = design(profiled(documents), "things", Flags())
    assert [column.type for column in found.root.columns] == ["text", "integer"]
    assert "--type /created=epoch_seconds" in [each.flag for each in found.decisions]
    asked = design(profiled(documents), "things", Flags(types={"/created": "epoch_seconds"}))
    assert (asked.root.columns[1].type, asked.root.columns[1].lowest) == ("epoch_seconds", "2023-11-14T22:13:20Z")


@pytest.mark.parametrize("chosen", ["timestamp", "timestamptz in Europe/Paris", "text", "jsonb"])
def test_a_local_time_is_what_the_flag_says(chosen: str) -> None:
    assert column_of("2024-02-29T12:00:00", types={"/field": chosen}).type == chosen


def test_few_values_are_listed_and_ranges_are_measured() -> None:
    documents = [{"id": f"a{number}", "size": "SML"[number % 3], "price": number / 2} for number in range(90)]
    columns = {column.name: column for column in design(profiled(documents), "things", Flags()).root.columns}
    assert columns["size"].values == (("L", 30), ("M", 30), ("S", 30))
    assert (columns["price"].lowest, columns["price"].highest, columns["price"].mean) == ("0.0", "44.5", 22.25)
    assert columns["id"].values == columns["price"].values == ()


def test_null_absent_and_empty_are_counted_apart() -> None:
    documents: list[dict[str, Any]] = [
        {"id": 1, "part": {"x": 1}, "list": [1], "whole": {"x": 1}},
        {"id": 2, "part": {}, "list": [], "whole": None},
        {"id": 3, "part": None, "list": None},
        {"id": 4},
    ]
    found = design(profiled(documents), "things", Flags(json=("/whole",)))
    assert found.merged == (
        ("/list", "1 null, 1 [], 1 absent"),
        ("/part", "1 null, 1 {}, 1 absent"),
        ("/whole", "1 null, 2 absent"),
    )
