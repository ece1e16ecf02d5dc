"""The contract of a source: what makes a document one of this source, and which fields it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import orjson

from loader.checking.fields import Fields
from loader.declarations import Source
from loader.errors import SourceBroken
from waybill.json_pointers import join_pointer

LONGEST_POINTER = 200  # characters of a pointer that are kept: it is part of a key, and an index takes 2,700 bytes
ONE_BELOW = {"additionalProperties", "items"}  # words under which a schema for values further below stands
NAMED_BELOW = {"properties", "patternProperties"}  # and many of them by name
MERGING = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"}


class Contract:
    """A JSON Schema 2020-12 and the same schema closed to unknown fields, so that one check tells the happy case.

    Schemas that apply others to the same value, such as by `$ref` or `allOf`, are not closed: there, a closed part can
    take what the whole refuses. Their happy case takes a check and a walk through the document.
    """

    def __init__(self, schema: dict[str, Any], digest: str) -> None:
        """Compile both; raises ValueError when it is no schema."""
        self.digest = digest
        self._open = jsonschema_rs.Draft202012Validator(schema)
        self._fields = Fields(schema)
        self.knows_all: Callable[[Any], bool] = self._keeps_and_names_all
        if _is_plain(schema):
            self.knows_all = jsonschema_rs.Draft202012Validator(_close(schema)).is_valid

    def breach(self, document: Any) -> tuple[str, str] | None:
        """Return pointer and message of the first breach; None when the document keeps the contract."""
        for error in self._open.iter_errors(document):
            pointer = join_pointer(error.instance_path)
            return pointer, _in_short(error.message)
        return None

    def unknown_fields(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield pointer and JSON type of each field that the contract does not name, as `Fields.unknown` does.

        Of a pointer that is too long for a key the beginning is returned, with a hash of all of it.
        """
        return ((_capped(pointer), kind) for pointer, kind in self._fields.unknown(document))

    def _keeps_and_names_all(self, document: Any) -> bool:
        return self._open.is_valid(document) and next(self._fields.unknown(document), None) is None


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


def _is_plain(schema: Any) -> bool:
    """Whether to close the schema narrows it: nothing in it applies to a value that another part applies to, too."""
    if not isinstance(schema, dict):
        return True
    below = [*schema.get("prefixItems", ()), *(schema[word] for word in ONE_BELOW if word in schema)]
    below += [part for word in NAMED_BELOW for part in schema.get(word, {}).values()]
    return MERGING.isdisjoint(schema) and all(map(_is_plain, below))


def _close(schema: Any) -> Any:
    """Return a plain schema that takes, of what it takes, only what has no unknown fields."""
    if not isinstance(schema, dict):
        return schema
    closed = dict(schema)
    if "properties" in schema and "unevaluatedProperties" not in schema:
        closed.setdefault("additionalProperties", False)
    for word in ONE_BELOW & closed.keys():
        closed[word] = _close(closed[word])
    for word in NAMED_BELOW & closed.keys():
        closed[word] = {name: _close(part) for name, part in closed[word].items()}
    if "prefixItems" in closed:
        closed["prefixItems"] = [_close(part) for part in closed["prefixItems"]]
    return closed


def _capped(pointer: str) -> str:
    if len(pointer) <= LONGEST_POINTER:
        return pointer
    return f"{pointer[:LONGEST_POINTER]}… {hashlib.blake2b(pointer.encode(), digest_size=4).hexdigest()}"
