"""Writes JSON values as PostgreSQL writes jsonb, so that Python and dbt read the same keys from a document."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

MAX_DEPTH = 1_100  # that orjson reads, and a little more
INDEX = re.compile(r"[-+]?[0-9]+")
ESCAPES = {
    **{code: f"\\u{code:04x}" for code in range(0x20)},
    **{ord(character): f"\\{letter}" for character, letter in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)},
}


def load_exact(raw: bytes | str) -> Any:
    """Parse JSON with each number as a Decimal that has the digits of the text.

    Raises:
        ValueError, RecursionError: it is not JSON, or nested too deep.
    """
    text = raw if isinstance(raw, str) else raw.decode()
    limit = sys.getrecursionlimit()
    try:
        return _load(text)
    except RecursionError:  # orjson goes deeper than Python, and documents that it accepts have landed
        sys.setrecursionlimit(limit + MAX_DEPTH)
        return _load(text)
    finally:
        sys.setrecursionlimit(limit)


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=Decimal, parse_int=Decimal)
    except InvalidOperation:  # an exponent that no number of PostgreSQL has
        raise ValueError("holds a number that PostgreSQL cannot store") from None


def value_at(document: Any, names: list[str]) -> Any:
    """Return the value that the names of a JSON pointer lead to; None if there is none."""
    value = document
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and INDEX.fullmatch(name) and -len(value) <= int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def text_of(value: Any) -> str | None:
    """Return the text that PostgreSQL's `->>` gives for a value, with Decimals for its numbers; None for null."""
    if value is None or isinstance(value, str):
        return value
    return jsonb_text(value)


def number_text(number: Decimal | int) -> str:
    """Return a number as PostgreSQL's numeric shows it: without an exponent, with the digits after the point."""
    if isinstance(number, int):
        return str(number)
    if number:
        return format(number, "f")
    digits = -int(number.as_tuple().exponent)
    return f"0.{'0' * digits}" if digits > 0 else "0"


def trimmed_number(number: Decimal) -> str:
    """Return a number without zeros at the end of its digits after the point."""
    text = number_text(number)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def jsonb_text(value: Any, *, trims_numbers: bool = False) -> str:
    """Return a value as PostgreSQL's jsonb shows it: members sorted by length, then by bytes."""
    return "".join(_pieces(value, trims_numbers))


def value_hash(document: Any) -> str:
    """Return what dbt's `value_hash` makes of a document that was parsed with exact numbers."""
    is_number = isinstance(document, Decimal) and not isinstance(document, bool)
    text = jsonb_text(document, trims_numbers=not is_number)  # dbt does not trim a document that is one number
    return str(UUID(bytes=hashlib.sha256(text.encode()).digest()[:16]))


def _pieces(value: Any, trims_numbers: bool) -> Iterator[str]:
    """Yield the pieces of the text; a list of what is left to write instead of a recursion, for any depth."""
    todo: list[Any] = [(value,)]  # a tuple holds a value, a string is a part of the text
    while todo:
        piece = todo.pop()
        if isinstance(piece, str):
            yield piece
            continue
        (found,) = piece
        if isinstance(found, dict):
            todo += ["}", *reversed(list(_members(found))), "{"]
        elif isinstance(found, list):
            elements = [part for element in found for part in (", ", (element,))][1:]
            todo += ["]", *reversed(elements), "["]
        else:
            yield _scalar(found, trims_numbers)


def _members(found: dict[str, Any]) -> Iterator[Any]:
    names = sorted(found, key=lambda name: (len(name.encode()), name.encode()))
    for number, name in enumerate(names):
        yield f"{', ' if number else ''}{_quoted(name)}: "
        yield (found[name],)


def _scalar(value: Any, trims_numbers: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return trimmed_number(Decimal(value)) if trims_numbers else number_text(value)


def _quoted(text: str) -> str:
    return f'"{text.translate(ESCAPES)}"'


def _no_constant(name: str) -> Any:
    raise ValueError(name)
