"""Unknown fields that many documents have are counted as a walk through each document counts them, and faster."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader.checking.checker as checking
import loader.checking.learned_fields as learning
from loader.checking.checker import Checker
from loader.checking.contracts import Contract
from loader.checking.known_fields import KnownFields
from tests.loader.checking.test_contracts import PLACE, SCHEMAS, VALUES, _schemas
from tests.loader.checking.test_poison import LIMIT, filled, positions

NESTED = {
    "type": "object",
    "properties": {"a": {"type": ["integer", "object"], "properties": {"b": PLACE}}, "c": {"items": PLACE}, "d": True},
    "patternProperties": {"^p": PLACE},
}
FOUND = [("/x", "integer"), ("/x", "array"), ("/a/b/~2", "null"), ("/a/~0", "string")]
NAMES = st.sampled_from(["a", "b", "c", "city", "p", "x", "*", "~", "/", "x" * 250])
MEMBERS = st.recursive(
    st.sampled_from([1, 1.0, True, "x", "\\", None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.dictionaries(NAMES, MEMBERS, max_size=5)


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn a field from two documents on, and count after each three of them."""
    monkeypatch.setattr(learning, "SIGHTINGS_NEEDED", 2)
    monkeypatch.setattr(learning, "MAX_LEARNED", 3)
    monkeypatch.setattr(checking, "MAX_UNCOUNTED", 3)


def walked(schema: Any, documents: list[bytes]) -> tuple[list[bool], Counter[tuple[str, str]]]:
    """Return which documents the plain walk lands, and the unknown fields that it counts."""
    drift: Counter[tuple[str, str]] = Counter()
    checker = Checker(Contract(schema, ""), LIMIT, drift)
    return [checker.check(document) is None for document in documents], drift


def assert_as_walked(schema: Any, values: list[Any]) -> None:
    """Fill two batches with each value several times, and compare with the walk."""
    documents = [orjson.dumps(value) for value in values for _ in range(3)] + list(map(orjson.dumps, values))
    contract = Contract(schema, "")
    for part in (documents[: len(values)], documents):
        batch = filled(contract, *part)
        landed, drift = walked(schema, part)
        assert positions(batch)[0] == [number for number, lands in enumerate(landed, start=1) if lands]
        assert batch.drift == drift


@pytest.mark.usefixtures("early")
@given(schema=_schemas(SCHEMAS), other=st.sampled_from([True, PLACE]), values=st.lists(VALUES, min_size=1, max_size=4))
def test_fields_of_any_contract_are_counted_as_walked(schema: Any, other: Any, values: list[Any]) -> None:
    assert_as_walked({**schema, "$defs": {"d": other}}, values)


@pytest.mark.usefixtures("early")
@given(values=st.lists(FIELDS, min_size=1, max_size=6), most=st.sampled_from([1, 22, 25, 1000]))
def test_fields_of_any_document_are_counted_as_walked(values: list[Any], most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checking, "MAX_POINTERS", most)
        assert_as_walked(NESTED, values)


def test_a_field_that_was_learned_takes_no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = Contract(NESTED, "")
    documents = [b'{"x": 1, "a": {"b": {"city": "", "*": null}, "~": "\\\\"}}', b'{"a": 1}', b'{"x": [{}], "c": []}']
    expected = walked(NESTED, documents)[1]
    filled(contract, *documents * (2 * learning.SIGHTINGS_NEEDED))
    monkeypatch.setattr(KnownFields, "unknown", None)
    assert filled(contract, *documents).drift == expected == dict.fromkeys(FOUND, 1)


@pytest.mark.parametrize("per_document", [1, 3, 100, 200])
def test_names_that_are_data_compile_few_contracts(per_document: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compilations = []
    contract = Contract({"properties": {"id": True}}, "")
    compile_with = contract._closed_with
    monkeypatch.setattr(contract.learned, "_compile", lambda paths: compilations.append(1) or compile_with(paths))
    names = (f"k{number // 20}" for number in range(2_000 * per_document))  # each in twenty documents, or in a few
    filled(contract, *(orjson.dumps({next(names): 1 for _ in range(per_document)}) for _ in range(2_000)))
    assert len(compilations) <= 20
    assert contract.learned.most <= learning.MAX_LEARNED * learning.TYPES
    assert len(contract.learned._sightings) <= learning.MAX_SIGHTINGS + learning.MAX_LEARNED
