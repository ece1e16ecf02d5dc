"""Values of a key in bytes that are no document: emptied if they are there for sure, named if perhaps by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.erasing import erase, find_now, wanted

OPEN = "select convert_from(bytes, 'utf8') from ledger.rejects where erased_by is null order by position"
TWO_FIELDS = [("/id", "text"), ("/updated_at", "text")]


def land(source: Path, *lines: str) -> None:
    number = len(list(source.iterdir()))
    (source / f"{number}.ndjson").write_text("\n".join(lines))
    load(Request(("things",)))


@pytest.mark.parametrize(
    ("key", "broken"),
    [
        ("42", '{"n": 42, "upd'),
        ("2013", '{"updated_at": "2013-01-01", 2013,'),
        ("2013-01-01", '{"updated_at": "2013-01-01"'),
        ("ab", "ab, broken"),
    ],
)
def test_a_short_or_numeric_key_is_named(database: str, source: Path, key: str, broken: str) -> None:
    land(source, f'{{"id": "{key}", "updated_at": ""}}', broken, f'{{"id": "{key}", "upd', f"<id>{key}</id>")
    found = find_now(wanted(key))
    assert [(one.position, one.how, "by chance" in one.doubt) for one in found.perhaps] == [(2, "chance", True)]
    erased = erase(key)
    assert (erased.documents, erased.rejects) == (1, 2)
    assert rows(OPEN) == [(broken,)]
    land(source, broken)
    assert rows(OPEN) == [(broken,)] * 2
    land(source, f'{{"id": "{key}", "upda')
    assert rows(OPEN) == [(broken,)] * 2


def test_a_long_key_is_emptied_wherever_it_is(database: str, source: Path) -> None:
    land(source, "a@example.org; broken", '{"id": "a@example.org", "updated_at": ""}')
    assert erase("a@example.org").rejects == 1
    land(source, "a@example.org; broken too")
    assert rows(OPEN) == []


def test_words_of_a_broken_line_make_no_key_known(database: str, source: Path) -> None:
    land(source, '{"id": "x1", "updated_at": ""}', "some broken line of 2013-01-01")
    found = find_now(wanted("line-some", "some", key_types=TWO_FIELDS))
    assert (found.missing, found.is_empty) == (["line-some", "some"], True)
    assert find_now(wanted("broken")).missing == ["broken"]
