"""Texts for people: numbers with their nouns."""

from __future__ import annotations

import pytest

from waybill.text import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 documents"), (1, "1 document"), (2, "2 documents"), (1000, "1,000 documents")]
)
def test_a_noun_has_the_form_of_its_number(number: int, text: str) -> None:
    assert counted(number, "document") == text


def test_an_irregular_plural_is_given() -> None:
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]
