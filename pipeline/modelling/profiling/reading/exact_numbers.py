"""Parses documents with exact numbers: orjson turns integers beyond 64 bits and long fractions into doubles."""

from __future__ import annotations

import json
import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import orjson

# a number of 16 or more digits, or too small for a double; in a string it is rarely found, and then does no harm
NEEDS_DECIMALS = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9][0-9.]{15}|[0-9.]++[eE]-[0-9]{3})")
DIGITS = bytes.maketrans(b"0123456789.E", b"00000000000e")
LONG_NUMBER, SMALL_NUMBER = b"0" * 16, b"0e-000"
SAFE_DIGITS = 15  # decimal digits that a double always keeps
MAX_SAFE_EXPONENT = 300
MAX_LENGTH = 40  # a numeric of more characters is not read by the staging, trailing zeros included
MAX_SCALE = 16_383  # decimals that PostgreSQL stores
INTEGERS = range(-(1 << 63), 1 << 64)
EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)

Number = int | float | Decimal


def load_exactly(raw: bytes, parsed: Any = None) -> Any:
    """Parse a document that was checked before. The same number is the same value, however it is spelled.

    An integer of 64 bits is an int, or a float like 1e16 if it has so many digits and at most 15 of them matter. A
    fraction of at most 15 digits is a float, everything else a Decimal. Only a number of more than 40 characters keeps
    its trailing zeros. `parsed` is what orjson made of it, if it was parsed already.
    """
    digits = raw.translate(DIGITS)  # a quick look, which excludes almost every document
    may_need = parsed is None or LONG_NUMBER in digits or SMALL_NUMBER in digits
    if may_need and (parsed is None or NEEDS_DECIMALS.search(raw)):
        try:
            return json.loads(raw, parse_float=_number, parse_int=_number)
        except RecursionError:  # so deep that nothing of it is profiled
            pass
    return orjson.loads(raw) if parsed is None else parsed


def plain(number: Decimal) -> str:
    """Return a number without exponent and without trailing zeros."""
    if number == number.to_integral_value():
        return format(number.to_integral_value(), "f") if number else "0"
    return format(number.normalize(EXACT), "f")


def _number(text: str) -> Number:
    exact = Decimal(text)
    if exact.adjusted() < -MAX_SCALE:
        return 0
    length = len(format(exact, "f")) if exact.adjusted() < MAX_LENGTH * 2 else MAX_LENGTH * 2
    if length > MAX_LENGTH and exact.as_tuple().exponent < 0:  # type: ignore[operator]
        return exact
    shortest = exact.normalize(EXACT)
    is_safe = len(shortest.as_tuple().digits) <= SAFE_DIGITS and abs(shortest.adjusted()) < MAX_SAFE_EXPONENT
    if exact != exact.to_integral_value() or (is_safe and shortest.adjusted() > SAFE_DIGITS):
        return float(shortest) if is_safe else shortest
    return integer if length <= MAX_LENGTH and (integer := int(exact)) in INTEGERS else exact
