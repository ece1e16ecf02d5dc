"""The checker enforces all of a JSON Schema, and reports a field as drift only if the schema does not name it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.checking.checker import MAX_POINTERS, MORE_FIELDS, Checker, RejectReason
from loader.checking.contracts import Contract, read_contract
from loader.declarations import read_source, source_names
from loader.landing.batch import FileBatch
from loader.landing.chunks import batches
from loader.landing.feeds import FileFeed
from loader.reading.input_files import identify
from tests.support.documents import document

PLACE = {"type": "object", "properties": {"city": {}}}
LANDED = {
    "properties": {"id": {}, "updated_at": {}, "status": {}, "arrival": {}},
    "if": {"properties": {"status": {"const": "landed"}}, "required": ["status"]},
    "then": {"required": ["arrival"]},
}


def verdict(schema: dict[str, Any], value: Any) -> tuple[RejectReason | None, dict[str, int]]:
    """Return a checker's verdict on a document, and the unknown fields that it counts."""
    drift: Counter[tuple[str, str]] = Counter()
    reason = Checker(Contract(schema, ""), 10**9, drift).check(orjson.dumps(value))
    return reason, {pointer: documents for (pointer, _), documents in drift.items()}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (LANDED, {"id": "1", "updated_at": "", "status": "landed"}),
        ({"not": {"properties": {"a": {"const": 1}}}}, {"b": 1}),
        ({"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1}),
        ({"contains": {"properties": {"a": {}}}, "maxContains": 1}, [{"a": 1}, {"b": 1}]),
        ({"if": {"not": {"$ref": "#/$defs/p"}}, "else": False, "$defs": {"p": PLACE}}, {"terminal": "B"}),
        ({"properties": {"x": {"not": {"items": {"properties": {"a": {}}}}}}}, {"x": [{"b": 1}]}),
        ({"additionalProperties": LANDED}, {"x": {"id": 1, "status": "landed"}}),
        ({"prefixItems": [LANDED]}, [{"id": 1, "status": "landed"}]),
    ],
)
def test_a_breach_is_rejected_in_every_json_schema_keyword(schema: Any, value: Any) -> None:
    reason, drift = verdict(schema, value)
    assert reason and reason.code == "breaks_contract"
    assert not drift


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string"}}},
        {"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string"}}},
        {"properties": {"o": {"properties": {"a": {"type": "string"}}}}},
    ],
)
def test_an_unknown_field_hides_no_breach(schema: Any) -> None:
    for value in ({"a": 1, "x": 2}, {"x": 2, "a": 1}, {"o": {"a": 1, "x": 2}}, {"a": 1, "o": {"a": 1}, "y": {"z": 1}}):
        is_good = Contract(schema, "").breach(value) is None
        reason, drift = verdict(schema, value)
        assert (reason is None) == is_good == bool(drift)
    assert verdict(schema, {"a": 1, "o": {"a": 1}, "x": 2})[0] is not None


@pytest.mark.parametrize(
    ("schema", "value", "unknown"),
    [
        ({"properties": {"o": {"$ref": "#/$defs/p"}}, "$defs": {"p": PLACE}}, {"o": {"city": 1, "b": 2}}, {"/o/b"}),
        ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": PLACE}}, {"city": 1, "b": 2}, {"/b"}),
        ({"$ref": "#/anyOf/1", "anyOf": [{"type": "null"}, PLACE]}, {"city": 1, "b": 2}, {"/b"}),
        ({"allOf": [PLACE, {"properties": {"b": PLACE}}]}, {"city": 1, "b": {"c": 2}, "d": 3}, {"/b/c", "/d"}),
        ({"properties": {"o": {"anyOf": [{"type": "null"}, PLACE]}}}, {"o": {"city": 1, "b": 2}}, {"/o/b"}),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {}}}, {"a": 1}, set()),
        ({"properties": {"a": {}}, "patternProperties": {"^\\p{Lu}": PLACE}}, {"Ä": {"b": 1}, "c": 2}, {"/*/b", "/c"}),
        ({"properties": {"a": {}}, "additionalProperties": PLACE}, {"x": {"b": 1}, "y": {"b": 1}}, {"/*/b"}),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"b": 1}, set()),
        ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": {"type": "integer"}}, {"b": 1}, set()),
        ({**LANDED, "else": {"properties": {"gate": {}}}}, {"gate": 1, "x": 2}, {"/x"}),
        ({**LANDED, "dependentSchemas": {"gate": {"properties": {"gate": {}}}}}, {"gate": 1, "x": 2}, {"/x"}),
        ({"properties": {"o": {}}, "if": {"properties": {"o": PLACE}}}, {"o": {"b": 2}}, set()),
        ({"properties": {"a": {"prefixItems": [{}], "items": PLACE}}}, {"a": [{"b": 1}, {"c": 2}]}, {"/a/*/c"}),
        ({"items": {"$ref": "#/$defs/p"}, "$defs": {"p": PLACE}}, [{"b": 1}, {"b": 2}], {"/*/b"}),
        ({"properties": {"properties": {"properties": {"a": {}}}}}, {"properties": {"a": 1}}, set()),
        ({"properties": {"a": {"enum": [{"properties": {}}]}}}, {"a": {"properties": {}}}, set()),
    ],
)
def test_a_field_that_no_part_of_the_contract_names_is_drift(schema: Any, value: Any, unknown: Any) -> None:
    assert verdict(schema, value) == (None, dict.fromkeys(unknown, 1))


@pytest.mark.parametrize(
    "reference",
    [
        {"$ref": "https://json-schema.org/draft/2020-12/schema", **PLACE},
        {"$ref": "#point", **PLACE},
        {"$dynamicRef": "#point", **PLACE},
        {"$id": "https://example.org/point", "$ref": "#/$defs/q", "$defs": {"q": True}, **PLACE},
    ],
)
def test_an_unresolvable_reference_is_neither_breach_nor_drift(reference: Any) -> None:
    schema = {"properties": {"o": reference}, "$defs": {"p": {"$anchor": "point", "properties": {"gate": {}}}}}
    assert verdict(schema, {"o": {"city": 1, "gate": 2}, "x": 3}) == (None, {"/x": 1})


def test_a_recursive_contract_accepts_documents_of_any_depth() -> None:
    contract = Contract({"properties": {"child": {"$ref": "#"}, "twin": {"allOf": [{"$ref": "#"}]}}}, "")
    drift: Counter[tuple[str, str]] = Counter()
    deep = b'{"child": {"twin": ' * 510 + b'{"name": 1}' + b"}}" * 510
    assert Checker(contract, 1 << 20, drift).check(deep) is None
    assert list(drift.values()) == [1]


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many, named = st.lists(inner, min_size=1, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    words = dict.fromkeys(["not", "if", "then", "else", "contains", "items", "additionalProperties"], inner)
    words |= dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], many)
    words |= dict.fromkeys(["properties", "patternProperties", "dependentSchemas"], named)
    words |= {"required": st.just(["a"]), "unevaluatedProperties": inner, "$ref": st.just("#/$defs/d")}
    return st.fixed_dictionaries({}, optional=words)


SCHEMAS = st.recursive(st.booleans() | st.sampled_from([{}, {"type": "object"}, {"const": 1}]), _schemas, max_leaves=8)
VALUES = st.recursive(
    st.sampled_from([1, "x", None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


@given(schema=_schemas(SCHEMAS), other=st.sampled_from([True, PLACE, {"properties": {"a": {}}}]), value=VALUES)
def test_the_fast_check_agrees_with_the_full_check(schema: Any, other: Any, value: Any) -> None:
    contract = Contract({**schema, "$defs": {"d": other}}, "")
    keeps = jsonschema_rs.Draft202012Validator({**schema, "$defs": {"d": other}}).is_valid(value)
    assert (contract.breach(value) is None) == keeps
    assert contract.knows_all(value) == (keeps and not list(contract.unknown_fields(value)))


def test_every_declared_contract_has_the_fast_check() -> None:
    for name in source_names():
        assert read_contract(read_source(name)).knows_all.__qualname__.endswith("Validator.is_valid")


def _batches(source: Path, lines: Iterator[bytes], chunk_bytes: int) -> list[FileBatch]:
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    things = read_source("things")
    file = identify(source / "a.ndjson")
    feed = FileFeed(things, read_contract(things), 1 << 20, input_file=file, pattern=things.files[0])
    return list(batches(feed, chunk_bytes))


def test_field_names_that_are_data_take_bounded_space(source: Path) -> None:
    lines = (document(n, gate=1, **{f"k{n}-{m}": m for m in range(50)}) for n in range(100))
    (batch,) = _batches(source, lines, 8 << 20)
    assert batch.landed == 100
    assert len(batch.drift) == MAX_POINTERS + 1
    assert batch.drift["/gate", "integer"] == 100
    assert batch.drift[MORE_FIELDS] == 81  # 19 documents and 48 of the 50 names of the next are counted by name
    assert batch.size > len(batch.drift) * 500

    before = batch.drift.copy()
    batch.reject({5: RejectReason("not_storable", ""), 90: RejectReason("not_storable", "")})
    batch.reject({91: RejectReason("not_storable", "")})
    assert batch.drift["/gate", "integer"] == 97
    assert batch.drift[MORE_FIELDS] == 79
    assert before.keys() - batch.drift.keys() == {(f"/k4-{m}", "integer") for m in range(50)}


def test_a_contract_that_refers_elsewhere_fetches_nothing() -> None:
    with pytest.raises(ValueError, match=r"write the schema of http://127\.0\.0\.1:1/x\.json under \$defs"):
        Contract({"properties": {"id": {"$ref": "http://127.0.0.1:1/x.json"}}}, "")
