"""The contract of a source: what makes a document one of this source, and which fields it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import orjson

from loader.declarations import Source
from loader.errors import SourceBroken

LONGEST_POINTER = 200  # characters of a pointer that are kept: it is part of a key, and an index takes 2,700 bytes
JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


class Contract:
    """A JSON Schema 2020-12 and the same schema closed to unknown fields, so that one check tells the happy case."""

    def __init__(self, schema: dict[str, Any], digest: str) -> None:
        """Compile both; raises ValueError when it is no schema."""
        self.digest = digest
        self._schema = schema
        self._open = jsonschema_rs.Draft202012Validator(schema)
        self._closed = jsonschema_rs.Draft202012Validator(_close(schema))
        self.knows_all = self._closed.is_valid

    def breach(self, document: Any) -> tuple[str, str] | None:
        """Return pointer and message of the first breach; None when the document keeps the contract."""
        for error in self._open.iter_errors(document):
            pointer = "".join(f"/{_escape(str(part))}" for part in error.instance_path)
            return pointer, _in_short(error.message)
        return None

    def unknown_fields(self, document: Any) -> set[tuple[str, str]]:
        """Return pointer and JSON type of each field that the contract does not name; `*` stands for any element.

        Of a pointer that is too long for a key the beginning is returned, with a hash of all of it.
        """
        return {(_capped(pointer), kind) for pointer, kind in _unknown(self._schema, document, "")}


def read_contract(source: Source) -> Contract:
    """Read and compile a source's contract.

    Raises:
        SourceBroken: it is missing or is no JSON Schema.
    """
    path = source.contract_path
    if not path.is_file():
        raise SourceBroken(f"source {source.source} has no contract: {path} is missing")
    raw = path.read_bytes()
    try:
        return Contract(orjson.loads(raw), hashlib.blake2b(raw, digest_size=16).hexdigest())
    except (ValueError, TypeError) as error:
        raise SourceBroken(f"{path} is no JSON Schema 2020-12: {str(error).splitlines()[0]}") from None


def _in_short(message: str) -> str:
    """Return beginning and end: a message begins with the value, which may be a whole document."""
    return message if len(message) <= 150 else f"{message[:50]} … {message[-95:]}"


def _close(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_close(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _close(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def _unknown(schema: Any, value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if not isinstance(schema, dict):
        return
    if isinstance(value, dict) and isinstance(schema.get("properties"), dict):
        for name, member in value.items():
            place = f"{pointer}/{_escape(name)}"
            if name in schema["properties"]:
                yield from _unknown(schema["properties"][name], member, place)
            elif "additionalProperties" not in schema:
                yield place, JSON_TYPES.get(type(member), "null")
    elif isinstance(value, list) and "items" in schema:
        for member in value:
            yield from _unknown(schema["items"], member, f"{pointer}/*")


def _capped(pointer: str) -> str:
    if len(pointer) <= LONGEST_POINTER:
        return pointer
    return f"{pointer[:LONGEST_POINTER]}… {hashlib.blake2b(pointer.encode(), digest_size=4).hexdigest()}"


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
