"""Texts for people: numbers with their nouns; and numbers that people write."""

from __future__ import annotations

import pytest

from waybill.text import counted, folded, whole_number


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 documents"), (1, "1 document"), (2, "2 documents"), (1000, "1,000 documents")]
)
def test_a_noun_has_the_form_of_its_number(number: int, text: str) -> None:
    assert counted(number, "document") == text


def test_an_irregular_plural_is_given() -> None:
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(
    "text", ["", " 1", "-1", "+1", "1_0", "1.0", "\u00b2", "\uff11", "\u0661", "9" * 19, "9" * 5000]
)
def test_only_ascii_digits_are_a_whole_number(text: str) -> None:
    assert whole_number(text) is None


def test_a_whole_number_fits_into_bigint() -> None:
    assert [whole_number(text) for text in ("0", "007", "9" * 18)] == [0, 7, 10**18 - 1]


def test_a_folded_line_keeps_its_commands_whole() -> None:
    command = "`waybill adopt orders /lines/*/discount /lines/*/delivered_at /customer`"
    line = f"  not adopted: fields of orders, in the raw table only; if this is right from now on: {command}"
    lines = folded(line).split("\n")
    assert lines[-1] == f"    {command}" and max(map(len, lines)) <= 80
    assert " ".join(part.strip() for part in lines) == line.strip()
