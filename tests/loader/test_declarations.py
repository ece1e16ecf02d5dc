"""A declaration that cannot be used is refused in one sentence: which file, which field, what is wrong, what to write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import loader.declarations
from loader.checking.contracts import read_contract
from loader.declarations import read_source, source_names
from loader.errors import SourceBroken, SourceUnknown
from pipeline.dbt import sources_files, sources_yml

VALID: dict[str, Any] = {
    "source": "hotels",
    "description": "Hotels.",
    "contract": "hotels.schema.json",
    "key": ["/id"],
    "version": "/updated_at",
}
CONTRACT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "revision"],
    "properties": {
        "id": {"type": "string"},
        "updated_at": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "rooms": {"type": "array", "items": {"properties": {"number": {}}}},
        "tags": {"type": ["object", "null"]},
        "open": {},
        "a/b": {},
        "m~n": {},
    },
    "patternProperties": {"^x-": {"type": "string"}},
    "additionalProperties": True,
    "allOf": [{"anyOf": [{"properties": {"status": {"type": ["string", "null"]}}}]}],
    "$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
POINTER = "must be a JSON pointer: write"


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of declarations and contracts; `hotels` has a contract."""
    for name in ("SOURCES", "CONTRACTS"):
        monkeypatch.setattr(loader.declarations, name, tmp_path)
    (tmp_path / "hotels.schema.json").write_text(json.dumps(CONTRACT))
    return tmp_path


def refusal(folder: Path, content: str | bytes) -> str:
    path = folder / "hotels.yml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SourceBroken) as caught:
        read_contract(read_source("hotels"))
    message = str(caught.value)
    assert "hotels.yml" in message
    assert "\n" not in message
    assert not re.search(r"pydantic|validation error|type=|input_value|For further", message)
    return message


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"key": ["Title"]}, f"key.0 {POINTER} /Title"),
        ({"key": ["/a~2"]}, f"key.0 {POINTER} /a~02"),
        ({"key": ["/a~"]}, f"key.0 {POINTER} /a~0"),
        ({"key": [""]}, f"key.0 {POINTER} /"),
        ({"key": ["/id", "/updated_at", "/id"]}, "key must name each field once: remove the second /id"),
        ({"key": []}, "key must name at least one field, such as /id"),
        ({"key": "/id"}, "key must be a list, not '/id'"),
        ({"key": ["value", "/id"]}, f"key.0 {POINTER} /value"),
        ({"key": [1]}, "key.0 must be text, not 1: write it in quotes"),
        ({"version": "Delivery"}, f"version {POINTER} /Delivery, or delivery if the last delivered document is current"),
        ({"version": None}, "must have a version: the pointer of a field that grows with each correction, such as /up"),
        ({"verison": "/id"}, "verison is not a field that can be declared: did you mean version?"),
        ({"withdrawn_when": {"field": "status", "values": ["x"]}}, f"withdrawn_when.field {POINTER} /status"),
        ({"withdrawn_when": {"field": "/status", "values": []}}, "withdrawn_when.values must have at least 1 entr"),
        ({"withdrawn_when": {"/status": []}}, "withdrawn_when.values must have at least 1 entr"),
        ({"withdrawn_when": {"/a~2": ["x"]}}, f"withdrawn_when.field {POINTER} /a~02"),
        ({"withdrawn_when": {"/status": ["x"], "/open": ["x"]}}, "withdrawn_when.field is missing"),
        ({"tombstone": "skip"}, "tombstone must be one of 'delete'"),
        ({"tombstone": "delete"}, "must have a topic, because `tombstone` is about its messages: add `topic`, or"),
        ({"tombstone": "delete", "topic": "t", "key": "value"}, "must not have tombstone with key value: a null has no"),
        ({"files": [{"pattern": "../x"}]}, "files.0.pattern must be a path below the raw folder, without `..`"),
        ({"files": [{"patern": "x"}]}, "files.0.patern is not a field that can be declared: did you mean pattern?"),
        ({"files": [{"pattern": "x", "layout": "lines"}]}, "files.0.layout must be one of 'ndjson', 'array', 'records'"),
        ({"files": [{"pattern": "x", "layout": "records"}]}, "files.0 must have records_at, such as /data/hotels, with"),
        ({"files": [{"pattern": "x", "records_at": "/x"}]}, "files.0 must have records_at, such as /data/hotels, with"),
        ({"files": [{"pattern": "x", "layout": "records", "records_at": "x"}]}, f"files.0.records_at {POINTER} /x"),
        ({"source": "Hotels"}, "source must be a name of lower-case letters, digits and underscores"),
        ({"contract": "../hotels.json"}, "contract must be the name of a file in loader/contracts, such as"),
        ({"contract": None}, "contract must be text"),
        ({"fresh_days": 0}, "fresh_days must be at least 1"),
        ({"source": "inns"}, "declares 'inns': name the file after its source"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_to_write(declared: Path, values: dict[str, Any], expected: str) -> None:
    assert expected in refusal(declared, yaml.safe_dump(VALID | values))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "must be a mapping"),
        ("- a\n- b\n", "must be a mapping"),
        ("hotels", "must be a mapping"),
        ("source: hotels\nkey: [/id\n", "is not YAML: line"),
        ("source: hotels\n\tkey: [/id]\n", "is not YAML: line 2"),
        (yaml.safe_dump(VALID) + "key: [/updated_at]\n", "is not YAML: line 7: key is there twice"),
        ("description: H\xf4tels\n".encode("latin-1"), "is not UTF-8 (byte 15): save it as UTF-8"),
        ("[" * 5000, "is nested too deeply"),
        ("source: !!python/name:os.system\n", "is not YAML"),
        (yaml.safe_dump({name: VALID[name] for name in VALID if name != "key"}), "key is missing"),
    ],
    ids=["empty", "list", "text", "open", "tab", "twice", "latin-1", "deep", "tag", "missing"],
)  # fmt: skip
def test_a_file_that_is_no_declaration_says_why(declared: Path, content: str | bytes, expected: str) -> None:
    assert expected in refusal(declared, content)


def test_a_folder_named_as_a_declaration_is_refused(declared: Path) -> None:
    (declared / "hotels.yml").mkdir()
    with pytest.raises(SourceBroken, match=r"hotels\.yml cannot be read: Is a directory"):
        read_source("hotels")


def test_a_byte_order_mark_and_accents_are_read(declared: Path) -> None:
    (declared / "hotels.yml").write_bytes(
        b"\xef\xbb\xbf" + yaml.dump(VALID | {"description": "Hôtels"}, allow_unicode=True).encode()
    )
    assert read_source("hotels").description == "Hôtels"


def test_a_declaration_with_another_suffix_is_named(declared: Path) -> None:
    (declared / "hotels.yaml").write_text(yaml.safe_dump(VALID))
    with pytest.raises(SourceUnknown, match=r"rename loader/sources/hotels\.yaml to hotels\.yml"):
        read_source("hotels")


@pytest.mark.parametrize(
    "pointer",
    ["/id", "/updated_at", "/address/city", "/rooms/0/number", "/open", "/open/anything/below", "/x-rating", "/revision",
     "/a~1b", "/m~0n", "/tags/name", "/status"],
)  # fmt: skip
def test_a_field_that_the_contract_knows_is_accepted(declared: Path, pointer: str) -> None:
    values = {"key": [pointer], "version": "delivery", "withdrawn_when": {"field": pointer, "values": ["x"]}}
    values |= {"missing_texts": {"*": [""], pointer: ["NA"]}, "trimmed": ["*", pointer]}
    (declared / "hotels.yml").write_text(yaml.safe_dump(VALID | values))
    assert read_contract(read_source("hotels")).digest


def test_short_and_long_forms_mean_the_same(declared: Path) -> None:
    short = {"key": "value", "withdrawn_when": {"/status": ["gone"]}}
    long = {"key": ["value"], "withdrawn_when": {"field": "/status", "values": ["gone"]}}
    read = []
    for values in (short, long):
        (declared / "hotels.yml").write_text(yaml.safe_dump(VALID | values))
        read.append(read_source("hotels"))
        assert read_contract(read[-1]).digest
    assert read[0] == read[1]
    assert read[0].key_pointers == []


def test_a_field_of_each_child_document_is_checked(declared: Path) -> None:
    def declare(pointer: str) -> str:
        return yaml.safe_dump(VALID | {"missing_texts": {pointer: ["NA"]}, "trimmed": [pointer]})

    (declared / "hotels.yml").write_text(declare("/rooms/*/number"))
    assert read_contract(read_source("hotels")).digest
    assert "declares missing_texts /rooms/*/nr, and in" in refusal(declared, declare("/rooms/*/nr"))


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/nope", "no field /nope is named: correct the pointer (the nearest fields are "),
        ("/ID", "the nearest fields are /id"),
        ("/updatedat", "the nearest fields are /updated_at"),
        ("/city", "the nearest fields are /address/city"),
        ("/address/town", "no field /address/town is named: correct the pointer (the nearest fields are /address"),
        ("/rooms/number", "no field /rooms/number is named"),
        ("/id/text", "/id is not an object (string): correct the pointer"),
        ("/rooms", "it is not a single value (array): point to a text or a number"),
        ("/tags", "it is not a single value (null or object): point to a text or a number"),
    ],
)
@pytest.mark.parametrize("role", ["key", "version", "withdrawn_when.field", "missing_texts", "trimmed"])
def test_a_field_that_the_contract_does_not_know_is_refused(
    declared: Path, role: str, pointer: str, expected: str
) -> None:
    values = {
        "key": {"key": ["/id", pointer]},
        "version": {"version": pointer},
        "withdrawn_when.field": {"withdrawn_when": {"field": pointer, "values": ["x"]}},
        "missing_texts": {"missing_texts": {"*": [""], pointer: ["NA"]}},
        "trimmed": {"trimmed": ["*", pointer]},
    }
    message = refusal(declared, yaml.safe_dump(VALID | values[role]))
    assert f"loader/sources/hotels.yml declares {role} {pointer}, and in " in message
    assert "hotels.schema.json" in message
    assert expected in message


@pytest.mark.parametrize(
    "contract",
    [{}, {"type": "object", "required": ["id"]}, {"$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}, {"properties": {}},
     {"additionalProperties": {"type": "string"}}],
    ids=str,
)  # fmt: skip
def test_a_contract_that_names_no_fields_allows_any(declared: Path, contract: dict[str, Any]) -> None:
    (declared / "hotels.schema.json").write_text(json.dumps(contract))
    (declared / "hotels.yml").write_text(yaml.safe_dump(VALID))
    assert read_contract(read_source("hotels")).digest


def test_dbt_is_not_given_a_field_that_a_contract_lacks(
    declared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources_files, "DBT_PROJECT", tmp_path)
    (declared / "hotels.yml").write_text(yaml.safe_dump(VALID | {"version": "/neither"}))
    with pytest.raises(SourceBroken, match="declares version /neither"):
        sources_yml.require_current()


def test_every_shipped_declaration_fits_its_contract() -> None:
    for name in source_names():
        read_contract(read_source(name))
