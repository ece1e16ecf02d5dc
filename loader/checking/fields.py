"""Which fields a contract names, by whichever of JSON Schema's words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from waybill.json_pointers import escape_name, split_pointer

JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
OTHERS = {"patternProperties", "additionalProperties", "unevaluatedProperties"}
Applied = list[tuple[Any, bool]]  # schemas that apply to one value, and whether it is they that say what fields it has


class Known:
    """All that a contract says of one value."""

    def __init__(self, applied: Applied) -> None:
        """Take the schemas that apply to the value."""
        self.applied = applied
        self.names = {name for schema, _ in applied for name in schema.get("properties", ())}
        self.is_listed = any(is_sure and "properties" in schema for schema, is_sure in applied)
        self.knows_others = any(not OTHERS.isdisjoint(schema) for schema, _ in applied)
        self.named: dict[str, Known] = {}  # those below it, as far as they were asked for

    def knows(self, name: str) -> bool:
        """Whether one of the schemas knows a field of this name."""
        return name in self.names or (self.knows_others and bool(self.of_member(name)))

    def of_member(self, name: str) -> Applied:
        """Return the schemas that apply to the field of a name; none when no schema knows it."""
        return [(part, is_sure) for schema, is_sure in self.applied for part in _of_member(schema, name)]

    def of_element(self, index: int) -> Applied:
        """Return the schemas that apply to an element of a list."""
        return [(part, is_sure) for schema, is_sure in self.applied for part in _of_element(schema, index)]


class Fields:
    """The fields of a contract: goes through a document and through the schemas that apply to each value in it."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Take a schema that was compiled, so that its words hold what they should."""
        self._schema = schema
        self._places: dict[frozenset[tuple[int, bool]], Known] = {}
        self._root = self._place([(schema, True)])

    def unknown(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield pointer and JSON type of each field that the contract does not name; those in lists may come again.

        In a pointer `*` stands for any element, and for any name that is known by a pattern or as one of the others. Of
        a value whose schema cannot be followed to its end, nothing is reported.
        """
        todo: list[tuple[Known, Any, str]] = [(self._root, document, "")]
        while todo:
            place, value, pointer = todo.pop()
            if isinstance(value, dict):
                for name, member in value.items():
                    if place.knows(name):
                        if isinstance(member, dict | list):
                            below = place.named.get(name) or self._below(place, name)
                            todo.append(
                                (below, member, f"{pointer}/{escape_name(name) if name in place.names else '*'}")
                            )
                    elif place.is_listed:
                        yield f"{pointer}/{escape_name(name)}", JSON_TYPES.get(type(member), "null")
            elif isinstance(value, list):
                for index, member in enumerate(value):
                    if isinstance(member, dict | list):
                        todo.append((self._place(place.of_element(index)), member, f"{pointer}/*"))

    def _below(self, place: Known, name: str) -> Known:
        below = self._place(place.of_member(name))
        if name in place.names:
            place.named[name] = below
        return below

    def _place(self, schemas: Applied) -> Known:
        key = frozenset((id(schema), is_sure) for schema, is_sure in schemas)
        if key not in self._places:
            self._places[key] = Known(self._merged(schemas))
        return self._places[key]

    def _merged(self, schemas: Applied) -> Applied:
        """Return the schemas with all that they apply to the same value; none when one of those cannot be followed."""
        found: dict[tuple[int, bool], tuple[Any, bool]] = {}
        todo = list(schemas)
        while todo:
            schema, is_sure = todo.pop()
            if not isinstance(schema, dict) or (id(schema), is_sure) in found:
                continue
            found[id(schema), is_sure] = schema, is_sure
            if "$dynamicRef" in schema or ("$id" in schema and schema is not self._schema):
                return []
            if "$ref" in schema:
                target = self._target(schema["$ref"])
                if target is None:
                    return []
                todo.append((target, is_sure))
            todo += [(part, is_sure) for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
            todo += [(schema[word], False) for word in ("if", "then", "else") if word in schema]
            todo += [(part, False) for part in schema.get("dependentSchemas", {}).values()]
        return list(found.values())

    def _target(self, reference: str) -> Any:
        """Return the schema that a reference by pointer names in this contract; None for any other reference."""
        address, _, pointer = reference.partition("#")
        if address or (pointer and not pointer.startswith("/")):
            return None
        place: Any = self._schema
        try:
            for name in split_pointer(unquote(pointer)):
                place = place[int(name) if isinstance(place, list) else name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
        return place


def _of_member(schema: dict[str, Any], name: str) -> list[Any]:
    properties = schema.get("properties", {})
    found = [properties[name]] if name in properties else []
    found += [part for pattern, part in schema.get("patternProperties", {}).items() if _matches(pattern)(name)]
    if not found and schema.get("additionalProperties", False) is not False:
        found.append(schema["additionalProperties"])
    if not found and schema.get("unevaluatedProperties", False) is not False:
        found.append(True)  # it may be another's, so that it is known is all that can be said
    return found


def _of_element(schema: dict[str, Any], index: int) -> list[Any]:
    first = schema.get("prefixItems", [])
    if index < len(first):
        return [first[index]]
    return [schema["items"]] if "items" in schema else []


@cache
def _matches(pattern: str) -> Callable[[str], bool]:
    """Return a test of names by a pattern as JSON Schema, not Python, understands it."""
    is_valid: Callable[[str], bool] = jsonschema_rs.Draft202012Validator({"pattern": pattern}).is_valid
    return is_valid
