"""Counts the values at a path that staging could not cast to a type that the user names."""

from __future__ import annotations

import json
from zoneinfo import available_timezones

from pipeline.modelling.deciding.values.types import BIGINT, INTEGER, MAX_NUMERIC
from pipeline.modelling.profiling.profile import Kind, Node

IN_ZONE = "timestamptz in "
NUMBERS = ("integer", "bigint", "minutes", "hhmm", "numeric", "double precision", "epoch_seconds", "epoch_milliseconds")
TYPES = ("text", "boolean", "uuid", "date", "timestamp", "timestamptz", "time_zone", *NUMBERS)
LIMITS = {"integer": INTEGER, "bigint": BIGINT, "minutes": 432_001, "hhmm": 2_401}

NESTED: tuple[Kind, ...] = ("object", "array", "empty object", "empty array")


def is_type(type_: str) -> bool:
    """Return True for a type that staging casts to."""
    return type_ in TYPES or (type_.startswith(IN_ZONE) and type_.removeprefix(IN_ZONE) in available_timezones())


def uncastable(node: Node, type_: str) -> int:
    """Return how many values at a node are not of a type, null aside. At least: strings of digits are not measured."""
    others = sum(node.kinds[kind] for kind in NESTED)
    if type_ == "text":
        return others
    booleans = 0 if type_ == "boolean" else node.kinds["boolean"]
    return others + booleans + _numbers(node, type_) + _strings(node, type_)


def _numbers(node: Node, type_: str) -> int:
    numbers = node.numbers
    if type_ not in NUMBERS:
        return numbers.count
    wrong = node.kinds["decimal"] if type_ in LIMITS else 0
    limit = LIMITS.get(type_)
    ends = [end for end in (numbers.lowest, numbers.highest) if end is not None]
    if limit is not None:
        wrong = wrong or sum(not -limit <= end < limit for end in ends)
    if type_ in ("numeric", "epoch_seconds", "epoch_milliseconds") and numbers.max_digits > MAX_NUMERIC:
        wrong = max(wrong, 1)
    return wrong


def _strings(node: Node, type_: str) -> int:
    texts = node.texts
    read = {
        "date": texts.dates,
        "timestamptz": texts.times,
        "timestamp": texts.local_times,
        "uuid": texts.uuids,
        "time_zone": texts.count,
    }
    if type_ in read:
        return texts.count - read[type_]
    if type_.startswith(IN_ZONE):
        return texts.count - texts.times - texts.local_times
    if type_ == "boolean":
        spelled = [count for text, count in (node.distinct or {}).items() if json.loads(text) in ("true", "false")]
        return texts.count - sum(spelled)
    return texts.count - texts.numerals
