"""Recognises the wrappers that database exports put around a value, such as `{"$oid": "5f…"}`."""

from __future__ import annotations

from pipeline.modelling.design import NUMBER_WRAPPERS
from pipeline.modelling.profiling.profile import Node

WRAPPERS = ("$oid", "$date", "$uuid", *NUMBER_WRAPPERS)


def wrapped(node: Node) -> tuple[tuple[str, ...], Node] | None:
    """Return the members that lead to the wrapped value, and its node; None if not every object here is one wrapper."""
    inner = _only_member(node)
    if inner is None:
        return None
    name, value = inner
    deeper = _only_member(value) if name == "$date" else None
    if deeper and deeper[0] == "$numberLong" and _is_scalar(deeper[1]):
        return (name, deeper[0]), deeper[1]
    return ((name,), value) if _is_scalar(value) else None


def _only_member(node: Node) -> tuple[str, Node] | None:
    """Return the one member that all objects at a node have, if it is a wrapper's."""
    kinds = {kind for kind, count in node.kinds.items() if count and kind != "null"}
    if kinds != {"object"} or len(node.members) != 1:
        return None
    name, value = next(iter(node.members.items()))
    is_in_all = sum(value.kinds.values()) == node.kinds["object"] == node.member_counts
    return (name, value) if name in WRAPPERS and is_in_all else None


def _is_scalar(node: Node) -> bool:
    kinds = {kind for kind, count in node.kinds.items() if count}
    return kinds == {"string"} or (bool(kinds) and kinds <= {"integer", "decimal"})
