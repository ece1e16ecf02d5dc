"""Conditions on fields, such as `/contact/email=a@example.org`, by which documents to erase can be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from loader.erasing.jsonb_text import text_of
from loader.errors import EraseRefused
from waybill.json_pointers import ANY, POINTER, split_pointer


class Condition(NamedTuple):
    """A JSON pointer, in which `*` leads to every element or member, and the text that one of its values must be."""

    pointer: str
    value: str


def parse_condition(text: str) -> Condition:
    """Return the condition that is written as POINTER=VALUE.

    Raises:
        EraseRefused: it is not written so; the error does not show the value.
    """
    pointer, sign, value = text.partition("=")
    if not sign or not POINTER.fullmatch(pointer):
        no_pointer = f"{pointer!r} is not a pointer, which begins with / and has ~ only in ~0 and ~1"
        wrong = no_pointer if sign else "it has no ="
        raise EraseRefused(
            f"--where takes a JSON pointer and a value, such as /contact/email=a@example.org, but {wrong}"
        )
    return Condition(pointer, value)


def meets(document: Any, conditions: Sequence[Condition]) -> bool:
    """Return whether a parsed document meets all conditions."""
    return bool(conditions) and all(
        any(_is(value, condition.value) for value in values_at(document, split_pointer(condition.pointer)))
        for condition in conditions
    )


def _is(value: Any, text: str) -> bool:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return Decimal(str(value)) == Decimal(text)
        except InvalidOperation:
            return False
    return not isinstance(value, dict | list) and text_of(value) == text


def values_at(value: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield the values that the names of a pointer lead to, in which ANY leads to every element or member."""
    if not names:
        yield value
        return
    name, *rest = names
    below: Sequence[Any] = []
    if isinstance(value, dict):
        below = list(value.values()) if name == ANY else [value[name]] if name in value else []
    elif isinstance(value, list):
        is_index = name.isdecimal() and int(name) < len(value)
        below = value if name == ANY else [value[int(name)]] if is_index else []
    for found in below:
        yield from values_at(found, rest)
