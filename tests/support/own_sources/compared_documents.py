"""Compares documents as a source of one's data may be rebuilt: what the marts do not distinguish counts as equal."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

import orjson

from waybill.json_pointers import escape_name

TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?([.]\d+)?([Zz]|[-+]\d\d(:?\d\d)?)", re.ASCII)
NUMERAL = re.compile(r"-?\d+([.]\d+)?([eE][-+]?\d+)?", re.ASCII)
MANY_DIGITS = Context(prec=1_000)
NUMERALS = ("$numberLong", "$numberInt", "$numberDouble", "$numberDecimal")


def in_order(documents: Iterable[Any]) -> list[Any]:
    """Return comparable documents in an order that depends on nothing but their values."""
    return sorted(map(comparable, documents), key=repr)


def comparable(value: Any) -> Any:
    """Return a value in one spelling of numbers and instants, without members that are null or empty."""
    if isinstance(value, dict):
        members = {name: _comparable_member(name, member) for name, member in value.items()}
        return {name: member for name, member in sorted(members.items()) if member is not None} or None
    if isinstance(value, list):
        return [comparable(element) for element in value] or None
    if isinstance(value, str):
        return _instant(value) or value
    if isinstance(value, bool) or value is None:
        return value
    return ("number", _number(repr(value) if isinstance(value, float) else value))


def _number(value: Any) -> Decimal:
    number = MANY_DIGITS.normalize(MANY_DIGITS.create_decimal(value))
    return number if number else Decimal(0)  # -0.0 is 0


def _comparable_member(name: str, member: Any) -> Any:
    if name not in NUMERALS or not isinstance(member, str) or not NUMERAL.fullmatch(member):
        return comparable(member)
    return ("numeral", _number(repr(float(member)) if name == "$numberDouble" else member))


def _instant(text: str) -> Any:
    found = TIME.fullmatch(text)
    if not found:
        return None
    day, minutes, seconds, fraction, offset, _ = found.groups()
    plain = f"{day}T{minutes}{seconds or ':00'}{(fraction or '.')[:7]:0<7}{offset.upper().replace('Z', '+00:00')}"
    try:
        return ("instant", datetime.fromisoformat(plain).astimezone(UTC))
    except ValueError:
        return None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (path, kind, JSON) of each scalar that is not null; elements of arrays are `*` in paths."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}/{escape_name(name)}")
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, f"{path}/*")
    elif value is not None:
        yield path, "number" if isinstance(value, int | float | Decimal) else type(value).__name__, repr(value)


def counted_leaves(documents: Iterable[Any]) -> Counter[tuple[str, str]]:
    """Return (path, kind) → how many leaves the documents have there, members of maps by their names."""
    return Counter((path, kind) for document in documents for path, kind, _ in leaves(document))


def dumped(value: Any) -> bytes:
    """Return the JSON of a value with exact decimals."""
    return orjson.dumps(value, default=lambda number: orjson.Fragment(f"{number:f}"))


def exactly(document: str | bytes) -> Any:
    """Return the value of JSON text, with exact numbers."""
    return json.loads(document, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    """Return a whole number in a form that `dumped` writes."""
    return int(digits) if len(digits) <= 18 else Decimal(digits)
