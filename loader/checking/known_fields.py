"""Finds the fields of a document that its contract does not name, for all keywords of JSON Schema."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs

from waybill.json_pointers import escape_name, split_pointer

CONTAINERS = (dict, list)
JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean"}
JSON_TYPES |= {int: "integer", float: "number", Decimal: "number"}
OTHERS = {"patternProperties", "additionalProperties", "unevaluatedProperties"}


class Applied(NamedTuple):
    """A schema that applies to a value. `lists_fields` is false for a mere condition, such as `if`."""

    schema: Any
    lists_fields: bool


class KnownValue:
    """Everything a contract says about one value."""

    def __init__(self, applied: list[Applied]) -> None:
        """Take the schemas that apply to the value."""
        self.applied = applied
        self.names = {name for each in applied for name in each.schema.get("properties", ())}
        self.is_listed = any(each.lists_fields and "properties" in each.schema for each in applied)
        self.knows_others = any(not OTHERS.isdisjoint(each.schema) for each in applied)
        self.members: dict[str, KnownValue] = {}  # cache of the named fields' values

    def knows(self, name: str) -> bool:
        """Return True if one of the schemas knows a field of this name."""
        return name in self.names or (self.knows_others and bool(self.of_member(name)))

    @property
    def types(self) -> set[str]:
        """The JSON types that the value may have; none if the contract does not say."""
        stated = [each.schema["type"] for each in self.applied if each.lists_fields and "type" in each.schema]
        return {name for types in stated for name in ([types] if isinstance(types, str) else types)}

    def may_have(self, name: str) -> bool:
        """Return True if a schema names, requires or describes a field or element, or if none has `properties`."""
        required = {name for each in self.applied for name in each.schema.get("required", ())}
        patterns = [pattern for each in self.applied for pattern in each.schema.get("patternProperties", ())]
        is_list = self.types == {"array"} or any({"items", "prefixItems"} & each.schema.keys() for each in self.applied)
        if name.isdecimal() and is_list:
            return bool(self.of_element(int(name))) or self.types == {"array"}
        if not self.names and not is_list:
            return True
        return name in self.names | required or any(_matches(pattern)(name) for pattern in patterns)

    def of_member(self, name: str) -> list[Applied]:
        """Return the schemas that apply to the field of a name; none if no schema knows it."""
        return [Applied(part, each.lists_fields) for each in self.applied for part in _of_member(each.schema, name)]

    def of_element(self, index: int) -> list[Applied]:
        """Return the schemas that apply to an element of a list."""
        return [Applied(part, each.lists_fields) for each in self.applied for part in _of_element(each.schema, index)]


class KnownFields:
    """The fields that a contract names. Walks through a document and the schemas that apply to each of its values."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Take a schema that was compiled before, so its keywords have valid values."""
        self._schema = schema
        self._values: dict[frozenset[tuple[int, bool]], KnownValue] = {}
        self._root = self._value([Applied(schema, lists_fields=True)])

    def unknown(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield pointer and JSON type of each field that the contract does not name; fields in lists may be repeated.

        In a pointer, `*` means any element, or any name that only a pattern or `additionalProperties` allows. Nothing
        is reported for a value whose schema contains a reference that cannot be resolved.
        """
        todo: list[tuple[KnownValue, Any, str]] = [(self._root, document, "")]
        while todo:
            known, value, pointer = todo.pop()
            if isinstance(value, dict):
                for name, member in value.items():
                    if name in known.names or known.knows(name):
                        if isinstance(member, CONTAINERS):
                            below = known.members.get(name) or self._member(known, name)
                            step = escape_name(name) if name in known.names else "*"
                            todo.append((below, member, f"{pointer}/{step}"))
                    elif known.is_listed:
                        yield f"{pointer}/{escape_name(name)}", JSON_TYPES.get(type(member), "null")
            elif isinstance(value, list):
                for index, member in enumerate(value):
                    if isinstance(member, CONTAINERS):
                        todo.append((self._value(known.of_element(index)), member, f"{pointer}/*"))

    def on_the_way(self, names: Iterable[str]) -> Iterator[KnownValue]:
        """Yield what the contract says about the document, then about each value that the names lead through."""
        known = self._root
        yield known
        for name in names:
            element = known.of_element(int(name)) if name.isdecimal() else []
            known = self._value([*known.of_member(name), *element])
            yield known

    def pointers(self, limit: int) -> list[str]:
        """Return the pointers of the fields that the contract names, those at the top first; at most `limit`."""
        found: list[str] = []
        todo = deque([(self._root, "")])
        while todo and len(found) < limit:
            known, pointer = todo.popleft()
            for name in sorted(known.names):
                found.append(f"{pointer}/{escape_name(name)}")
                todo.append((self._value(known.of_member(name)), found[-1]))
        return found[:limit]

    def _member(self, known: KnownValue, name: str) -> KnownValue:
        member = self._value(known.of_member(name))
        if name in known.names:
            known.members[name] = member
        return member

    def _value(self, applied: list[Applied]) -> KnownValue:
        key = frozenset((id(each.schema), each.lists_fields) for each in applied)
        if key not in self._values:
            self._values[key] = KnownValue(self._merged(applied))
        return self._values[key]

    def _merged(self, applied: list[Applied]) -> list[Applied]:
        """Return the schemas and all schemas that they apply to the same value; none if a reference is unresolved."""
        found: dict[tuple[int, bool], Applied] = {}
        todo = list(applied)
        while todo:
            each = todo.pop()
            schema, lists_fields = each.schema, each.lists_fields
            if not isinstance(schema, dict) or (id(schema), lists_fields) in found:
                continue
            found[id(schema), lists_fields] = each
            if "$dynamicRef" in schema or ("$id" in schema and schema is not self._schema):
                return []
            if "$ref" in schema:
                target = self._target(schema["$ref"])
                if target is None:
                    return []
                todo.append(Applied(target, lists_fields))
            all_apply = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, ())]
            some_apply = [schema[keyword] for keyword in ("if", "then", "else") if keyword in schema]
            some_apply += schema.get("dependentSchemas", {}).values()
            todo += [Applied(part, lists_fields) for part in all_apply]
            todo += [Applied(part, lists_fields=False) for part in some_apply]
        return list(found.values())

    def _target(self, reference: str) -> Any:
        """Return the schema in this contract that a reference by pointer points to; None for any other reference."""
        address, _, pointer = reference.partition("#")
        if address or (pointer and not pointer.startswith("/")):
            return None
        target: Any = self._schema
        try:
            for name in split_pointer(unquote(pointer)):
                target = target[int(name) if isinstance(target, list) else name]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
        return target


def _of_member(schema: dict[str, Any], name: str) -> list[Any]:
    properties = schema.get("properties", {})
    found = [properties[name]] if name in properties else []
    found += [part for pattern, part in schema.get("patternProperties", {}).items() if _matches(pattern)(name)]
    if not found and schema.get("additionalProperties", False) is not False:
        found.append(schema["additionalProperties"])
    if not found and schema.get("unevaluatedProperties", False) is not False:
        found.append(True)  # another schema may evaluate it, so it only counts as known
    return found


def _of_element(schema: dict[str, Any], index: int) -> list[Any]:
    first = schema.get("prefixItems", [])
    if index < len(first):
        return [first[index]]
    return [schema["items"]] if "items" in schema else []


@cache
def _matches(pattern: str) -> Callable[[str], bool]:
    """Return a function that tests names against a pattern by the rules of JSON Schema, not of Python."""
    is_valid: Callable[[str], bool] = jsonschema_rs.Draft202012Validator({"pattern": pattern}).is_valid
    return is_valid
