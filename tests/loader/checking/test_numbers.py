"""Numbers that no double holds are checked exactly; all others are checked as doubles and 64-bit integers."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from loader.checking.checker import Checker, RejectReason
from loader.checking.contracts import Contract
from loader.checking.large_numbers import load_json, load_numbers

LONG = "9" * 10_000


def reason(schema: dict[str, Any], number: str) -> str | None:
    """Return why a document with this number is rejected, None if it lands."""
    found = Checker(Contract({"properties": {"n": schema}}, ""), 1 << 20, Counter()).check(
        b'{"n": %s}' % number.encode()
    )
    return found.code if found else None


@pytest.mark.parametrize("number", ["1e309", "1e400", "-1e400", "1.5e400", "1e131071", LONG, f"-{LONG}", f"{LONG}.0"])
def test_a_number_beyond_a_double_is_a_number_for_the_contract(number: str) -> None:
    assert reason({"type": "number"}, number) is None
    assert reason({"type": "integer"}, number) is None
    assert reason({"minimum": 0}, number) == ("breaks_contract" if number.startswith("-") else None)
    assert reason({"maximum": 10}, number) == (None if number.startswith("-") else "breaks_contract")
    assert reason({"exclusiveMaximum": 10}, number) == (None if number.startswith("-") else "breaks_contract")
    for schema in ({"type": "null"}, {"type": "string"}, {"enum": [None, 1]}, {"const": None}):
        assert reason(schema, number) == "breaks_contract"


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"maximum": 1e308}, "1e308", "1e309"),
        ({"multipleOf": 3}, "3e400", "1e400"),
        ({"multipleOf": 3}, LONG, LONG[1:] + "8"),
        ({"uniqueItems": True}, "[1e400, 1e401]", "[1e400, 10e399]"),
        ({"multipleOf": 0.01}, "4.35", "4.355"),
        ({"maximum": 9007199254740992}, "9007199254740992", "9007199254740993"),
        ({"maximum": 18446744073709551614}, "18446744073709551614", "18446744073709551615"),
        ({"type": "integer"}, "1e2", "1.5e0"),
    ],
)
def test_a_comparison_is_exact_where_doubles_would_be_equal(schema: Any, good: str, bad: str) -> None:
    assert (reason(schema, good), reason(schema, bad)) == (None, "breaks_contract")


def test_the_bound_of_a_contract_can_exceed_a_double() -> None:
    schema = load_json(b'{"properties": {"n": {"maximum": 1e400}}}')
    checker = Checker(Contract(schema, ""), 1 << 20, Counter())
    assert checker.check(b'{"n": 1e400}') is None
    assert checker.check(b'{"n": 1e401}') == RejectReason(
        "breaks_contract", "1e+401 is greater than the maximum of 1e+400", "/n"
    )


@pytest.mark.parametrize(
    "number", ["1e131072", "1e1000000000", "-1e99999999999", "1e9999999999999999999", "9" * 131_073]
)
def test_a_number_that_postgresql_cannot_store_costs_no_memory(number: str) -> None:
    started = time.monotonic()
    assert reason({"type": "integer", "multipleOf": 7, "maximum": 10}, number) == "not_storable"
    assert time.monotonic() - started < 1


def test_numbers_are_parsed_as_orjson_parses_them() -> None:
    for text in (
        "0",
        "-0",
        "-0.0",
        "1e2",
        "0.1",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
    ):
        parsed, expected = load_numbers(text), load_json(text.encode())
        assert (type(parsed), repr(parsed)) == (type(expected), repr(expected)), text
    assert load_numbers("1e400") == Decimal("1e400")
    assert load_numbers("1e-400") == load_json(b"1e-400") == 0


def test_a_large_number_in_an_unknown_field_is_drift() -> None:
    drift: Counter[tuple[str, str]] = Counter()
    checker = Checker(Contract({"properties": {}}, ""), 1 << 20, drift)
    assert checker.check(b'{"a": 1e400, "b": %s, "c": 1}' % LONG.encode()) is None
    assert drift == {("/a", "number"): 1, ("/b", "number"): 1, ("/c", "integer"): 1}
