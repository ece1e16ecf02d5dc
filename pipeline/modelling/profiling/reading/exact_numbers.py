"""Parses documents with exact numbers: orjson turns integers beyond 64 bits and long fractions into doubles."""

from __future__ import annotations

import json
import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import orjson

# a number of 16 or more digits, or with an exponent; in a string it is rarely found, and then does no harm
NEEDS_DECIMALS = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9][0-9.]{15}|[0-9.]++[eE])")
SAFE_DIGITS = 15  # decimal digits that a double always keeps
MAX_LENGTH = 40  # a numeric of more characters is not read by the staging, trailing zeros included
MAX_SCALE = 16_383  # decimals that PostgreSQL stores
INTEGERS = range(-(1 << 63), 1 << 64)
EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)

Number = int | float | Decimal


def load_exactly(raw: bytes, parsed: Any = None) -> Any:
    """Parse a document that was checked before. The same number is the same value, however it is spelled.

    An integer of 64 bits is an int, a fraction of at most 15 digits a float, everything else a Decimal. Only a number
    of more than 40 characters keeps its trailing zeros. `parsed` is what orjson made of it, if it was parsed already.
    """
    if parsed is None or NEEDS_DECIMALS.search(raw):
        try:
            return json.loads(raw, parse_float=_number, parse_int=_number)
        except RecursionError:  # so deep that nothing of it is profiled
            pass
    return orjson.loads(raw) if parsed is None else parsed


def plain(number: Decimal) -> str:
    """Return a number without exponent and without trailing zeros."""
    if number == number.to_integral_value():
        return str(int(number))
    return format(number.normalize(EXACT), "f")


def _number(text: str) -> Number:
    exact = Decimal(text)
    if exact.adjusted() < -MAX_SCALE:
        return 0
    length = len(format(exact, "f")) if exact.adjusted() < MAX_LENGTH * 2 else MAX_LENGTH * 2
    if length > MAX_LENGTH and exact.as_tuple().exponent < 0:  # type: ignore[operator]
        return exact
    if exact == exact.to_integral_value():
        return integer if length <= MAX_LENGTH and (integer := int(exact)) in INTEGERS else exact
    shortest = exact.normalize(EXACT)
    if len(shortest.as_tuple().digits) <= SAFE_DIGITS and abs(shortest.adjusted()) < 300:
        return float(shortest)
    return shortest
