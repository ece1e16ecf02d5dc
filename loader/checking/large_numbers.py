"""Parses JSON with numbers that no double holds: orjson refuses them, PostgreSQL stores up to 131,072 digits."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MAX_EXPONENT = 131_071  # digits before the decimal point that PostgreSQL's numeric stores
INTEGERS = range(-(1 << 63), 1 << 64)  # orjson reads these as integers


def load_json(raw: bytes) -> Any:
    """Parse JSON bytes; see `load_numbers` for the numbers.

    Raises:
        ValueError, OverflowError, RecursionError: the bytes are not JSON, or PostgreSQL could not store them.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return load_numbers(raw.decode())


def load_numbers(text: str) -> Any:
    """Parse JSON text as orjson does, with each number that is too large for a double as an exact Decimal.

    Raises:
        OverflowError: PostgreSQL cannot store a number.
        RecursionError: the text is nested too deep.
        ValueError: the text is not JSON.
    """
    return json.loads(text, parse_constant=_no_constant, parse_float=_number, parse_int=_integer)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _integer(text: str) -> int | float | Decimal:
    integer = int(text) if len(text) <= len(str(INTEGERS.start)) else None
    return integer if integer is not None and integer in INTEGERS else _number(text)


def _number(text: str) -> float | Decimal:
    double = float(text)
    if math.isfinite(double):
        return double
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent is larger than Python's decimals allow, and far larger than PostgreSQL's
        raise OverflowError(f"holds a number with an exponent that PostgreSQL cannot store: {text[:40]}") from None
    if number.adjusted() > MAX_EXPONENT:
        raise OverflowError(f"holds a number of {number.adjusted() + 1} digits, PostgreSQL stores {MAX_EXPONENT + 1}")
    return number
