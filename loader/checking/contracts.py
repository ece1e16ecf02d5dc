"""The contract of a source: what makes a document one of this source, and which fields it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs

from loader.checking.declared_fields import require_declared_fields
from loader.checking.known_fields import KnownFields
from loader.checking.large_numbers import load_json
from loader.declarations import Source
from loader.errors import SourceBroken
from waybill.json_pointers import join_pointer

MAX_POINTER_LENGTH = 200  # a pointer is part of a key in the ledger, and an index entry has at most 2,700 bytes
ONE_BELOW = {"additionalProperties", "items"}  # keywords with one schema for nested values
NAMED_BELOW = {"properties", "patternProperties"}  # keywords with many schemas for nested values, by name
MERGING = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"}


class Contract:
    """A JSON Schema 2020-12, and the same schema closed to unknown fields.

    One check against the closed schema recognises most documents: valid, and without unknown fields. Schemas that
    apply other schemas to the same value, for example by `$ref` or `allOf`, cannot be closed, because a closed part can
    accept what the whole rejects. Their documents take a check against the open schema and a walk through all fields.
    """

    def __init__(self, schema: dict[str, Any], digest: str) -> None:
        """Compile both forms of the schema. Raise ValueError if it is not a JSON Schema."""
        self.digest = digest
        self._open = jsonschema_rs.Draft202012Validator(schema, retriever=_refuse_to_fetch)
        self.fields = KnownFields(schema)
        self.knows_all: Callable[[Any], bool] = self._is_valid_and_known
        if _is_plain(schema):
            self.knows_all = jsonschema_rs.Draft202012Validator(_close(schema), retriever=_refuse_to_fetch).is_valid

    def breach(self, document: Any) -> tuple[str, str] | None:
        """Return pointer and message of the first breach; None if the document satisfies the contract."""
        try:
            for error in self._open.iter_errors(document):
                return join_pointer(error.instance_path), _shortened(error.message)
        except ValueError as error:  # the library cannot copy the value that breaks the contract: too deep, or too long
            if not self._open.is_valid(document):
                return "", f"the value that breaks it cannot be shown: {_shortened(str(error))}"
        return None

    def unknown_fields(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield pointer and JSON type of each field that the contract does not name, as `KnownFields.unknown` does.

        A pointer that is too long for a key is shortened to its beginning and a hash of the whole pointer.
        """
        return ((_capped(pointer), kind) for pointer, kind in self.fields.unknown(document))

    def _is_valid_and_known(self, document: Any) -> bool:
        return self._open.is_valid(document) and next(self.fields.unknown(document), None) is None


def read_contract(source: Source) -> Contract:
    """Read and compile a source's contract.

    Raises:
        SourceBroken: the contract is missing, not a JSON Schema, or does not know a field that the source declares.
    """
    path = source.contract_path
    if not path.is_file():
        raise SourceBroken(f"source {source.source} has no contract: {path} is missing")
    raw = path.read_bytes()
    try:
        contract = Contract(load_json(raw), hashlib.blake2b(raw, digest_size=16).hexdigest())
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SourceBroken(f"{path} is not a JSON Schema 2020-12: {str(error).splitlines()[0]}") from None
    require_declared_fields(source, contract.fields)
    return contract


def _refuse_to_fetch(uri: str) -> Any:
    """Raise ValueError: a contract is one file, and a load fetches nothing from elsewhere."""
    raise ValueError(f"write the schema of {uri} under $defs and refer to it there")


def _shortened(message: str) -> str:
    """Return a message's beginning and end: a message begins with the value, which may be a whole document."""
    return message if len(message) <= 150 else f"{message[:50]} … {message[-95:]}"


def _is_plain(schema: Any) -> bool:
    """Return True if the schema can be closed: no two of its parts apply to the same value."""
    if not isinstance(schema, dict):
        return True
    below = [*schema.get("prefixItems", ()), *(schema[keyword] for keyword in ONE_BELOW if keyword in schema)]
    below += [part for keyword in NAMED_BELOW for part in schema.get(keyword, {}).values()]
    return MERGING.isdisjoint(schema) and all(map(_is_plain, below))


def _close(schema: Any) -> Any:
    """Return a plain schema that accepts the same documents, but without unknown fields."""
    if not isinstance(schema, dict):
        return schema
    closed = dict(schema)
    if "properties" in schema and "unevaluatedProperties" not in schema:
        closed.setdefault("additionalProperties", False)
    for keyword in ONE_BELOW & closed.keys():
        closed[keyword] = _close(closed[keyword])
    for keyword in NAMED_BELOW & closed.keys():
        closed[keyword] = {name: _close(part) for name, part in closed[keyword].items()}
    if "prefixItems" in closed:
        closed["prefixItems"] = [_close(part) for part in closed["prefixItems"]]
    return closed


def _capped(pointer: str) -> str:
    if len(pointer) <= MAX_POINTER_LENGTH:
        return pointer
    return f"{pointer[:MAX_POINTER_LENGTH]}… {hashlib.blake2b(pointer.encode(), digest_size=4).hexdigest()}"
