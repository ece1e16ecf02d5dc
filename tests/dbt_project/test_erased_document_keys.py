"""Python reads from whole documents the keys that dbt shows, castable or not, and `waybill erase` finds them by these."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from loader.declarations import read_source
from loader.erasing.keys import KeyOf, KeyTypes
from loader.landing.raw_tables import make_raw_tables
from tests.support.databases import fresh_database, rows
from tests.support.dbt_command import failures
from tests.support.erasing import find_now, wanted
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import STAGING

CONTRACT: dict[str, Any] = {"type": "object"}
DECLARATION = """
source: {source}
description: "{source}."
contract: {source}.schema.json
key: {key}
version: delivery
missing_texts: {{"*": [NA], /who: [NA, ""]}}
trimmed: [/who]
"""
# source → pointer and type of each field of its key
KEYS: dict[str, KeyTypes] = {
    "orders": [("/who", "text"), ("/number", "integer"), ("/day", "date")],
    "visits": [("/who", "text"), ("/at", "timestamptz"), ("/list/0", "numeric")],
    "shops": [("/who", "text"), ("/a", "text"), ("/b", "text"), ("/c", "text")],
    "people": [("/deep/who~1what", "text")],
    "seconds": [("/number", "epoch_seconds"), ("/ok", "boolean")],
    "facts": [],
}
VALUES: dict[str, list[Any]] = {
    "who": ["a", " a\t", "a-b", "a~b", "", "NA", "é\n", "x" * 200, "x" * 201, "y" * 300, 7, 7.10, True, None, [1], {"q": 1.50}],
    "number": [7, 7.0, "007", "7", -0.0, 1e2, 2**70, "7 ", 1356998400.5, "1356998400.1234567", None, "-0"],
    "day": ["2013-01-01", "2013-02-30", None, 20130101, "9999-01-01"],
    "at": ["2013-01-01T00:00:00Z", "2013-01-01T01:00:00+01:00", "2013-01-01 00:00:00.10Z", "2013-01-01T00:00:00", None],
    "list": [[1.50, 2], [], [[0]], {"0": "1.5"}, "x", None, ["-2"]],
    "a": ["p-q", "p", 1, "z" * 150], "b": ["-", "q", None, "z" * 200], "c": ["", "r", "z" * 200, "r~-"],
    "ok": [True, "true", False, None, "yes"],
    "deep": [{"who/what": "w"}, {"who/what": ["w"]}, {"who/what": 5.0}, {}, None, ["w"]],
}  # fmt: skip
SHOWN = """
select documents.document_key, documents.uncastable_reason is null, raw.document::text, documents._batch_id::text,
    documents._position
from intermediate.int_{source}_deduplicated as documents
inner join raw.{source} as raw using (_batch_id, _position)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[None]:
    """Land random documents in each source, and build its models."""
    dice = random.Random(20131)
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(tmp_path_factory.mktemp("keys"), patch)
        for source, key in KEYS.items():
            fields = {f"field_{number}": pointer for number, (pointer, _) in enumerate(key)} | {"value": "/value"}
            types = {f"field_{number}": kind for number, (_, kind) in enumerate(key) if kind != "text"}
            staging = STAGING.format(source=source, types=types)
            staging = staging.replace("{'thing_id': '/id', 'value': '/value', 'revision': '/changed'}", str(fields))
            pointers = [pointer for pointer, _ in key] or "value"
            project.add_source(DECLARATION.format(source=source, key=pointers), CONTRACT, staging)
        make_raw_tables()
        for source in KEYS:
            documents = [{name: dice.choice(values) for name, values in VALUES.items()} for _ in range(400)]
            land(source, *documents)
        result = project.run("run")
        assert result.success, result.exception or failures(result)
        yield


@pytest.mark.parametrize("source", KEYS)
def test_each_document_has_the_key_that_dbt_shows(built: None, source: str) -> None:
    key_of = KeyOf(read_source(source), KEYS[source])
    found = rows(SHOWN.format(source=source))
    assert len(found) == 400
    castable = {is_castable for _, is_castable, *_ in found}
    assert castable == ({True} if source == "facts" else {True, False})
    for shown, is_castable, document, *_ in found:
        forms = key_of.of_document(document)
        assert (forms.canonical if is_castable else forms.delivered) == (shown or None), document


@pytest.mark.parametrize("source", ["orders", "facts", "seconds"])
def test_a_key_that_dbt_shows_finds_all_documents_of_it(built: None, source: str) -> None:
    found = rows(SHOWN.format(source=source))
    keys = sorted({shown for shown, is_castable, *_ in found if is_castable})[:5]
    for key in keys:
        expected = {(batch_id, position) for shown, *_, batch_id, position in found if shown == key}
        assert find_now(wanted(key, key_types=KEYS[source], name=source)).documents.keys() >= expected
