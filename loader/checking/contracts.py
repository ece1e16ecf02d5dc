"""The contract of a source: what makes a document one of this source, and which fields it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from loader.checking.declared_fields import require_declared_fields
from loader.checking.known_fields import KnownFields
from loader.checking.large_numbers import load_json
from loader.checking.learned_fields import MAX_POINTER_LENGTH, LearnedFields
from loader.declarations import Source
from loader.errors import SourceBroken
from waybill.json_pointers import join_pointer

ONE_BELOW = {"additionalProperties", "items"}  # keywords with one schema for nested values
NAMED_BELOW = {"properties", "patternProperties"}  # keywords with many schemas for nested values, by name
MERGING = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"}


class Contract:
    """A JSON Schema 2020-12, and the same schema closed to unknown fields.

    One check against the closed schema recognises most documents: valid, and without unknown fields. Schemas that
    apply other schemas to the same value, for example by `$ref` or `allOf`, cannot be closed, because a closed part can
    accept what the whole rejects. Their documents take a check against the open schema and a walk through all fields.
    `learned` are the unknown fields that many documents had; a document with no others needs no walk.
    """

    def __init__(self, schema: dict[str, Any], digest: str) -> None:
        """Compile both forms of the schema. Raise ValueError if it is not a JSON Schema."""
        self.digest = digest
        self._schema = schema
        self._open = jsonschema_rs.Draft202012Validator(schema, retriever=_refuse_to_fetch)
        self.fields = KnownFields(schema)
        self._is_plain = _is_plain(schema)
        self.expects_unknown = not self._is_plain  # whether `knows_all` is the slower way to check the next batch
        self.knows_all: Callable[[Any], bool] = self._closed_with([]) or self._is_valid_and_known
        self.learned = LearnedFields(self._closed_with)

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

    def expect_as_in(self, drift: Mapping[tuple[str, str], int], documents: int) -> None:
        """Expect unknown fields in the next batch if one of them is in most documents of this one."""
        self.expects_unknown = not self._is_plain or 2 * max(drift.values(), default=0) > documents

    def _closed_with(self, paths: Iterable[list[str]]) -> Callable[[Any], bool] | None:
        """Return a check against the closed schema with more fields of any value; None if it cannot be closed."""
        if not self._is_plain:
            return None
        closed = _close(self._schema)
        try:
            for *above, name in paths:
                holder = closed
                for step in above:
                    holder = holder["properties"][step]
                holder.setdefault("properties", {})[name] = True
        except (KeyError, TypeError, AttributeError):
            return None
        is_valid: Callable[[Any], bool] = jsonschema_rs.Draft202012Validator(
            closed, retriever=_refuse_to_fetch
        ).is_valid
        return is_valid

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
