"""Adds up the profiles of values at several paths, as if they were at one: the members of a map."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from pipeline.modelling.profiling.profile import MAX_DISTINCT, Node, Numbers, Texts

T = TypeVar("T")


def merged(nodes: Iterable[Node]) -> Node:
    """Return one node for all values of these nodes. `documents` is an upper bound, since values share documents."""
    nodes = list(nodes)
    if len(nodes) == 1:
        return nodes[0]
    names = sorted({name for node in nodes for name in node.members})
    is_collapsed = any(node.is_collapsed for node in nodes)
    inner = [member for node in nodes for member in (*node.members.values(), node.any_member) if member is not None]
    elements = [node.elements for node in nodes if node.elements is not None]
    return Node(
        documents=sum(node.documents for node in nodes),
        parents=sum(node.parents for node in nodes),
        kinds=sum((node.kinds for node in nodes), Counter()),
        texts=_merged_texts([node.texts for node in nodes]),
        numbers=_merged_numbers([node.numbers for node in nodes]),
        distinct=_merged_distinct([node.distinct for node in nodes]),
        members={} if is_collapsed else {name: _merged_members(nodes, name) for name in names},
        any_member=merged(inner) if is_collapsed and inner else None,
        is_collapsed=is_collapsed,
        member_counts=sum(node.member_counts for node in nodes),
        elements=merged(elements) if elements else None,
        max_elements=max(node.max_elements for node in nodes),
        is_too_deep=any(node.is_too_deep for node in nodes),
    )


def _merged_members(nodes: list[Node], name: str) -> Node:
    """Return the node of one member; objects that never have it count as those in which it could be."""
    found = merged(node.members[name] for node in nodes if name in node.members)
    objects = sum(node.kinds["object"] + node.kinds["empty object"] for node in nodes)
    return Node(**{**vars(found), "parents": max(objects, found.parents)})


def _merged_distinct(parts: list[Counter[str] | None]) -> Counter[str] | None:
    found: Counter[str] = Counter()
    for part in parts:
        if part is None:
            return None
        found.update(part)
    return found if len(found) <= MAX_DISTINCT else None


def _merged_texts(parts: list[Texts]) -> Texts:
    return Texts(
        count=sum(part.count for part in parts),
        max_length=max(part.max_length for part in parts),
        max_bytes=max(part.max_bytes for part in parts),
        lowest=_extreme(min, (part.lowest for part in parts)),
        highest=_extreme(max, (part.highest for part in parts)),
        dates=sum(part.dates for part in parts),
        times=sum(part.times for part in parts),
        local_times=sum(part.local_times for part in parts),
        fine_times=sum(part.fine_times for part in parts),
        uuids=sum(part.uuids for part in parts),
        numerals=sum(part.numerals for part in parts),
        zero_numerals=sum(part.zero_numerals for part in parts),
        blank=sum(part.blank for part in parts),
        missing=sum((part.missing for part in parts), Counter()),
    )


def _merged_numbers(parts: list[Numbers]) -> Numbers:
    return Numbers(
        count=sum(part.count for part in parts),
        lowest=_extreme(min, (part.lowest for part in parts)),
        highest=_extreme(max, (part.highest for part in parts)),
        max_scale=max(part.max_scale for part in parts),
        max_digits=max(part.max_digits for part in parts),
        not_doubles=sum(part.not_doubles for part in parts),
        sum=math.fsum(part.sum for part in parts),
        sum_of_squares=math.fsum(part.sum_of_squares for part in parts),
    )


def _extreme(choose: Callable[[list[T]], T], values: Iterable[T | None]) -> T | None:
    present = [value for value in values if value is not None]
    return choose(present) if present else None
