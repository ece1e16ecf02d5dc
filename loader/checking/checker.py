"""Checks one document: it can be landed, or it is rejected for a reason. PostgreSQL parses; Python only checks."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from loader.checking.contracts import Contract

MAX_EXPONENT = 131_071  # digits before the decimal point that PostgreSQL's numeric stores
MAX_POINTERS = 1_000  # unknown fields counted one by one in a batch: names can be data, without limit
MORE_FIELDS = ("/… more fields", "any")  # all further fields are counted under this entry
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class RejectReason:
    """Why a document is not landed: a code from the ledger's closed list, details in words, and the JSON pointer."""

    code: str
    detail: str
    pointer: str | None = None


class Checker:
    """Checks the documents of one batch and counts their unknown fields."""

    def __init__(self, contract: Contract, max_bytes: int, drift: Counter[tuple[str, str]]) -> None:
        """Take the contract, the size limit of a document in bytes, and the counter of unknown fields."""
        self._contract = contract
        self._knows_all = contract.knows_all
        self._max_bytes = max_bytes
        self._drift = drift

    def check(self, raw: bytes) -> RejectReason | None:
        """Return the reason to reject a document, or None if it can be landed."""
        if len(raw) > self._max_bytes:
            return RejectReason("too_large", f"{len(raw)} bytes, the limit is {self._max_bytes}")
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            parsed = _parse(raw, str(error))
            if isinstance(parsed, RejectReason):
                return parsed
            document = parsed.value
        if b"\\u0000" in raw and _has_nul(document):
            return RejectReason("not_storable", "holds \\u0000, which PostgreSQL's text cannot store")
        if self._knows_all(document):
            return None
        breach = self._contract.breach(document)
        if breach:
            return RejectReason("breaks_contract", breach[1], breach[0])
        self._count_unknown(document)
        return None

    def _count_unknown(self, document: Any) -> None:
        """Count a document once for each pointer and type of unknown fields in it."""
        drift, counted = self._drift, set()
        for field in self._contract.unknown_fields(document):
            is_full = len(drift) >= MAX_POINTERS or MORE_FIELDS in drift
            counted_as = MORE_FIELDS if is_full and field not in drift else field
            if counted_as not in counted:
                counted.add(counted_as)
                drift[counted_as] += 1


@dataclass(frozen=True)
class Parsed:
    """A value that orjson refuses although PostgreSQL stores it, such as a number that a double cannot hold."""

    value: Any


def _parse(raw: bytes, message: str) -> RejectReason | Parsed:
    """Parse bytes that orjson refused, if PostgreSQL would accept them; otherwise return the reason to reject them."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return RejectReason("not_utf8", f"byte {error.start} is not UTF-8: 0x{raw[error.start]:02x}")
    if not text.strip():
        return RejectReason("not_json", "contains only blanks")
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_number, parse_int=_number)
    except RecursionError:
        return RejectReason("not_storable", "nested deeper than 1,024 levels")
    except OverflowError as error:
        return RejectReason("not_storable", str(error))
    except ValueError:
        return RejectReason("not_json", message)
    if "depth limit" in message:
        return RejectReason("not_storable", "nested deeper than 1,024 levels")
    if _has_surrogate(value):
        return RejectReason("not_storable", "holds half of a surrogate pair, which is not a character")
    return Parsed(value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _number(text: str) -> int | float:
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent is larger than Python's decimals allow, and far larger than PostgreSQL's
        raise OverflowError(f"holds a number with an exponent that PostgreSQL cannot store: {text[:40]}") from None
    if number and (number.adjusted() > MAX_EXPONENT or len(text) > MAX_EXPONENT):
        raise OverflowError(f"holds a number of {number.adjusted()} digits, PostgreSQL stores {MAX_EXPONENT}")
    return int(number) if number == number.to_integral_value() and number.adjusted() < 400 else float(number)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _has_nul(member) for name, member in value.items())
    return isinstance(value, list) and any(_has_nul(member) for member in value)


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return bool(SURROGATE.search(value))
    if isinstance(value, dict):
        return any(SURROGATE.search(name) or _has_surrogate(member) for name, member in value.items())
    return isinstance(value, list) and any(_has_surrogate(member) for member in value)
