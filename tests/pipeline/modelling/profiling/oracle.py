"""Profiles documents slowly and plainly, to compare the profile with."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from pipeline.modelling.profiling.profile import MAX_DISTINCT, Node


def kind_of(value: Any) -> str:
    """Return the kind of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Decimal):
        return "integer" if value == value.to_integral_value() else "decimal"
    names = {dict: "object", list: "array", str: "string", type(None): "null"}
    name = names[type(value)]
    return name if name in ("string", "null") or value else f"empty {name}"


def check(node: Node, values: list[tuple[int, Any]], parents: int) -> None:
    """Compare a node with the values at its path, each with the number of its document. Numbers are Decimals."""
    assert node.documents == len({document for document, _ in values})
    assert node.parents == parents
    assert node.kinds == Counter(kind_of(value) for _, value in values)
    scalars = [value for _, value in values if not isinstance(value, dict | list | type(None))]
    distinct = {(kind_of(value) in ("integer", "decimal"), value) for value in scalars}
    if len(distinct) > MAX_DISTINCT:
        assert node.distinct is None
    else:
        assert node.distinct is not None
        assert sorted(node.distinct.values()) == sorted(Counter(map(repr_of, scalars)).values())
    check_scalars(node, scalars)
    objects = [(document, value) for document, value in values if isinstance(value, dict)]
    assert node.member_counts == sum(len(value) for _, value in objects)
    names = {name for _, value in objects for name in value}
    assert list(node.members) == sorted(names)
    for name in names:
        below = [(document, value[name]) for document, value in objects if name in value]
        check(node.members[name], below, len(objects))
    arrays = [(document, value) for document, value in values if isinstance(value, list)]
    elements = [(document, element) for document, value in arrays for element in value]
    assert node.max_elements == max((len(value) for _, value in arrays), default=0)
    assert (node.elements is not None) == bool(elements)
    if node.elements:
        check(node.elements, elements, len(elements))


def check_scalars(node: Node, scalars: list[Any]) -> None:
    """Compare strings and numbers."""
    texts = [value for value in scalars if isinstance(value, str)]
    assert node.texts.count == len(texts)
    assert (node.texts.lowest, node.texts.highest) == (min(texts, default=None), max(texts, default=None))
    assert node.texts.max_bytes == max((len(text.encode()) for text in texts), default=0)
    numbers = [value for value in scalars if isinstance(value, Decimal)]
    assert node.numbers.count == len(numbers)
    assert (node.numbers.lowest, node.numbers.highest) == (min(numbers, default=None), max(numbers, default=None))
    spelled = [
        format(value, "f").rstrip("0").rstrip(".") if value % 1 else format(value.quantize(1), "f") for value in numbers
    ]
    assert node.numbers.max_scale == max((len(text.partition(".")[2]) for text in spelled), default=0)
    assert node.numbers.max_digits == max(map(len, spelled), default=0)
    lost = [value for value in numbers if abs(value) > Decimal("1e38") or Decimal(repr(float(value))) != value]
    assert node.numbers.not_doubles == len(lost)


def repr_of(value: Any) -> str:
    """Return a text that only equal scalars share."""
    return f"number {value.normalize()}" if isinstance(value, Decimal) else f"{type(value)} {value}"
