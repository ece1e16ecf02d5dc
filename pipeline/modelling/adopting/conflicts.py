"""Finds columns that cannot hold all documents any more: a value of another type, or another structure above it."""

from __future__ import annotations

from collections.abc import Collection, Set

import orjson

from loader.declarations import Source
from loader.declared_types import EVERY_FIELD
from pipeline.modelling.adopting.existing import KnownColumn
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.maps import member_values
from pipeline.modelling.deciding.values.castable import uncastable
from pipeline.modelling.deciding.values.types import kinds_of
from pipeline.modelling.design import JSON
from pipeline.modelling.profiling.profile import Kind, Node
from waybill.json_pointers import ANY, join_pointer

OBJECTS: frozenset[Kind] = frozenset(("object", "empty object"))
ARRAYS: frozenset[Kind] = frozenset(("array", "empty array"))


def conflict_at(root: Node, path: Names, maps: Collection[Names]) -> Names | None:
    """Return the path above a column where some values are not the object, array or map that leads to it."""
    node: Node | None = root
    for length, name in enumerate(path):
        if node is None:
            return None
        is_array = name == ANY and path[:length] not in maps
        allowed: Set[Kind] = ARRAYS if is_array else OBJECTS
        if length and kinds_of(node) - allowed:
            return path[:length]
        node = below(node, name)
    return None


def below(node: Node, name: str) -> Node | None:
    """Return the node of a member, or with `*` that of all elements or members."""
    if name == ANY:
        return node.elements or member_values(node)
    return node.members.get(name)


def node_at(root: Node, path: Names) -> Node | None:
    """Return the node at a path; None if no document has it."""
    node: Node | None = root
    for name in path:
        node = below(node, name) if node else None
    return node


def misfits(node: Node, column: KnownColumn, source: Source) -> int:
    """Return how many values are not of the column's type; texts that the source declares as missing aside."""
    field = join_pointer(column.path[: len(column.path) - len(column.wrapper)])
    if column.type == JSON or {field, EVERY_FIELD} & set(source.trimmed):
        return 0
    return max(uncastable(node, column.type) - _missing(node, field, source), 0)


def _missing(node: Node, field: str, source: Source) -> int:
    declared = source.missing_texts
    if isinstance(declared, dict):
        declared = declared.get(field, declared.get(EVERY_FIELD, []))
    if node.distinct is None:
        return node.texts.blank * ("" in declared) + sum(node.texts.missing[text] for text in declared)
    return sum(node.distinct[orjson.dumps(text).decode()] for text in declared)
