"""Profiles documents in the plainest way, all in memory: what the tests of deciding build their profiles with."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

from pipeline.modelling.profiling.profile import MAX_DISTINCT, FileProfile, KeyCandidate, Node, Profile
from waybill.json_pointers import join_pointer

TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
OFFSET = r"(Z|[+-]\d\d:?\d\d)"
SPELLINGS = {
    "dates": re.compile(r"\d{4}-\d\d-\d\d"),
    "times": re.compile(TIME + OFFSET),
    "local_times": re.compile(TIME),
    "fine_times": re.compile(r".*\.\d{7,}Z"),
    "uuids": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "numerals": re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?"),
    "zero_numerals": re.compile(r"-?0\d+(\.\d+)?"),
    "blank": re.compile(r"\s*"),
}
MISSING = ("NA", "N/A", "null", "None")


def profiled(documents: Iterable[dict[str, Any]], *, path: Path | None = None, layout: Any = "ndjson") -> Profile:
    """Return the profile of documents."""
    texts = [json.dumps(document, sort_keys=True, default=float) for document in documents]
    read = [json.loads(text, parse_float=Decimal) for text in texts]
    root = Node(parents=len(read))
    for document in read:
        _count(root, document, set())
    found = FileProfile(path, "standard input", layout, None, documents=len(read), rejected=0)
    different = [json.loads(text) for text in sorted(set(texts))]
    return Profile((found,), len(read), len(read) - len(different), root, _keys(root, different))


def _count(node: Node, value: Any, seen: set[int]) -> None:
    if id(node) not in seen:
        node.documents += 1
        seen.add(id(node))
    node.kinds[_kind(value)] += 1
    if isinstance(value, str):
        _count_text(node, value)
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        _count_number(node, Decimal(value))
    elif isinstance(value, dict):
        _count_object(node, value, seen)
    elif isinstance(value, list):
        node.max_elements = max(node.max_elements, len(value))
        for element in value:
            node.elements = node.elements or Node()
            node.elements.parents += 1
            _count(node.elements, element, seen)
    if node.distinct is not None and value is not None and not isinstance(value, (dict, list)):
        node.distinct[json.dumps(value, default=float)] += 1
        node.distinct = node.distinct if len(node.distinct) <= MAX_DISTINCT else None


def _kind(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return ("" if value else "empty ") + ("object" if isinstance(value, dict) else "array")
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return "integer" if value == int(value) else "decimal"
    return {str: "string", bool: "boolean", type(None): "null"}[type(value)]


def _count_object(node: Node, value: dict[str, Any], seen: set[int]) -> None:
    node.member_counts += len(value)
    earlier = node.kinds["object"] + node.kinds["empty object"] - 1
    for name in value:
        node.members.setdefault(name, Node(parents=earlier))
    for name, member in node.members.items():
        member.parents += 1
        if name in value:
            _count(member, value[name], seen)


def _count_text(node: Node, text: str) -> None:
    texts = node.texts
    texts.count += 1
    texts.max_length = max(texts.max_length, len(text))
    texts.max_bytes = max(texts.max_bytes, len(text.encode()))
    texts.lowest = min(text, texts.lowest or text)
    texts.highest = max(text, texts.highest or text)
    texts.missing.update([text] if text in MISSING else [])
    for name, pattern in SPELLINGS.items():
        setattr(texts, name, getattr(texts, name) + bool(pattern.fullmatch(text)))


def _count_number(node: Node, number: Decimal) -> None:
    numbers = node.numbers
    numbers.count += 1
    numbers.lowest = min(number, number if numbers.lowest is None else numbers.lowest)
    numbers.highest = max(number, number if numbers.highest is None else numbers.highest)
    numbers.max_scale = max(numbers.max_scale, -int(number.as_tuple().exponent))
    numbers.max_digits = max(numbers.max_digits, len(f"{number:f}"))
    numbers.not_doubles += Decimal(repr(float(number))) != number
    numbers.sum += float(number)
    numbers.sum_of_squares += float(number) ** 2


def _keys(root: Node, documents: list[dict[str, Any]]) -> tuple[KeyCandidate, ...]:
    """Return all one or two fields that are in each document: unique ones first, none that holds another one."""
    fields = sorted(_fields(root, (), len(documents)))
    found: list[KeyCandidate] = []
    for names in [*((field,) for field in fields), *combinations(fields[:12], 2)]:
        if any(set(key.pointers) <= {join_pointer(field) for field in names} for key in found if key.is_unique):
            continue
        counts = Counter(json.dumps([_at(document, field) for field in names]) for document in documents)
        repeated = tuple(sorted((key, count) for key, count in counts.items() if count > 1))
        pointers = tuple(join_pointer(field) for field in names)
        found.append(KeyCandidate(pointers, len(documents), len(documents) - len(counts), repeated[:5]))
    return tuple(sorted(found, key=lambda key: (key.repeats, key.pointers)))


def _fields(node: Node, names: tuple[str, ...], objects: int) -> list[tuple[str, ...]]:
    found = []
    for name, member in node.members.items():
        kinds = set(member.kinds)
        if kinds == {"object"}:
            found += _fields(member, (*names, name), objects)
        elif kinds in ({"string"}, {"integer"}, {"boolean"}) and sum(member.kinds.values()) >= objects:
            found.append((*names, name))
    return found


def _at(document: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        document = document[name]
    return document
