"""The profile counts the strings that the staging casts: the same as PostgreSQL does, for thousands of spellings."""

from __future__ import annotations

from itertools import product

import pytest
from jinja2 import Environment

from pipeline.modelling.profiling.profile import Texts
from pipeline.modelling.profiling.tree.texts import add_texts
from tests.support.databases import rows
from waybill.settings import PROJECT

DAYS = (
    *("2024-01-01", "2024-02-29", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-32", "2024-1-01", "24-01-01"),
    *("0001-12-31", "0002-01-01", "9998-12-31", "9999-01-01", "0000-01-01", "-024-01-01", "2024/01/01", "20240101"),
    *("2024-01-01 ", " 2024-01-01", "2024-01-0x", "١٢٣٤-01-01", "2024-01-01\n", "12024-01-01", "", "2024-1-1-"),
)
TIMES = (
    *("", "T10:00", " 10:00", "t10:00:00", "T10:00:00", "T23:59:59", "T24:00:00", "T00:00:60", "T10:60:00", "T1:00:00"),
    *("T10:00:00.", "T10:00:00.1", "T10:00:00.123456", "T23:59:59.9999999", "T10:00:00.12345600", "T10:00:00,5"),
    *("T10", "T100000", "  10:00", "T10:00:0", "T25:00:00", "T00:00:00.0000001", "T10:00:00.5.5", "T-1:00:00"),
    *(f"T10:00:00.{'1' * digits}" for digits in (60, 108, *range(122, 135))),
)
OFFSETS = (
    *("", "Z", "z", "+00", "-0000", "+02:00", "+0530", "-14:59", "+14:00", "+15:00", "+2", " Z", "ZZ", "+02:60", "UTC"),
    *("+00:00:00", "-00:00", "+1:00", " +02:00", "Europe/Paris", "\n"),
)
UUIDS = (
    *(
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd}",
    ),
    *(
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1-",
    ),
    *(
        "a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 ",
        "a0eebc99-9c0b4-ef8-bb6d-6bb9bd380a11",
    ),
)
SPELLINGS = sorted({"".join(parts) for parts in product(DAYS, TIMES, OFFSETS)} | set(UUIDS))
TYPES = {"date": "dates", "timestamp": "local_times", "timestamptz": "times", "uuid": "uuids"}


def castable(kind: str) -> set[str]:
    """Return the spellings that the staging casts to a type."""
    macro = (PROJECT / "dbt_project/macros/casting/is_castable.sql").read_text()
    environment = Environment(autoescape=False)  # noqa: S701 - SQL, not HTML
    template = environment.from_string(macro + "{{ is_castable('value', kind) }}")
    condition = template.render(known_type=lambda name: name, kind=kind).replace("%", "%%")
    query = f"select value from unnest(%s::text[]) as given (value) where {condition}"
    return {value for (value,) in rows(query, [SPELLINGS])}


def counted(field: str) -> set[str]:
    """Return the spellings that a profile counts in a field."""
    found = set()
    for text in SPELLINGS:
        texts = Texts()
        add_texts(texts, {text: 3})
        assert getattr(texts, field) in (0, 3)
        if getattr(texts, field):
            found.add(text)
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_spellings_are_counted_as_postgresql_casts_them(kind: str, module_database: str) -> None:
    assert counted(TYPES[kind]) == castable(kind) != set()


def test_only_times_that_lose_digits_are_fine() -> None:
    texts = Texts()
    spellings = ("10:00:00.1234567", "10:00:00.12345600", "10:00:00.123456", "10:00:00")
    add_texts(texts, {f"2024-01-01T{text}{offset}": 1 for text in spellings for offset in ("", "Z")})
    assert (texts.times, texts.local_times, texts.fine_times) == (4, 4, 2)


def test_numerals_blanks_and_words_for_missing_are_counted() -> None:
    texts = Texts()
    given = [
        "1",
        "-1.5",
        "007",
        "1e5",
        "-01",
        "0",
        "0.5",
        "+1",
        "1.",
        ".5",
        "1_0",
        "٣",
        "",
        " ",
        "\t",
        "NA",
        "n/a",
        "-",
    ]
    add_texts(texts, dict.fromkeys(given, 1))
    assert (texts.count, texts.numerals, texts.zero_numerals, texts.blank) == (18, 7, 2, 3)
    assert texts.missing == {"NA": 1, "n/a": 1, "-": 1}


def test_lengths_are_in_characters_and_in_bytes() -> None:
    texts = Texts()
    add_texts(texts, {"é€": 2, "abc": 1})
    assert (texts.max_length, texts.max_bytes, texts.lowest, texts.highest) == (3, 5, "abc", "é€")
