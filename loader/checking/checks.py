"""Decides for one document: landed, or rejected and why. PostgreSQL parses; Python checks, hashes and routes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from loader.checking.contracts import Contract

MAX_EXPONENT = 131_071  # digits before the decimal point that PostgreSQL's numeric takes
MAX_POINTERS = 1_000  # of one batch that are told apart: names of fields may be data, and as many as there is data
MORE_FIELDS = ("/… more fields", "any")  # where documents with others are counted
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class RejectReason:
    """Why a document is not landed: a code from the ledger's closed list, details in words, and the JSON pointer."""

    code: str
    detail: str
    pointer: str | None = None


class Checker:
    """Checks the documents of one batch and counts the unknown fields that they carry."""

    def __init__(self, contract: Contract, max_bytes: int, drift: Counter[tuple[str, str]]) -> None:
        """Take the contract, the largest document's size in bytes, and where unknown fields are counted."""
        self._contract = contract
        self._knows_all = contract.knows_all
        self._most_bytes = max_bytes
        self._drift = drift

    def check(self, raw: bytes) -> RejectReason | None:
        """Return why a document's bytes are refused; None when they can be landed."""
        if len(raw) > self._most_bytes:
            return RejectReason("too_large", f"{len(raw)} bytes, the limit is {self._most_bytes}")
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            found = explain(raw, str(error))
            if isinstance(found, RejectReason):
                return found
            document = found.value
        if b"\\u0000" in raw and _holds_nul(document):
            return RejectReason("not_storable", "holds \\u0000, which PostgreSQL's text cannot store")
        if self._knows_all(document):
            return None
        breach = self._contract.breach(document)
        if breach:
            return RejectReason("breaks_contract", breach[1], breach[0])
        self._count_unknown(document)
        return None

    def _count_unknown(self, document: Any) -> None:
        """Count a document once for each place and type of unknown fields in it."""
        drift, counted = self._drift, set()
        for field in self._contract.unknown_fields(document):
            is_full = len(drift) >= MAX_POINTERS or MORE_FIELDS in drift
            place = MORE_FIELDS if is_full and field not in drift else field
            if place not in counted:
                counted.add(place)
                drift[place] += 1


@dataclass(frozen=True)
class Parsed:
    """A value that orjson refuses although it is JSON that PostgreSQL stores, such as a number beyond a double."""

    value: Any


def explain(raw: bytes, message: str) -> RejectReason | Parsed:
    """Tell why orjson refused the bytes, or parse them with the standard library where PostgreSQL would take them."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return RejectReason("not_utf8", f"byte {error.start} is no UTF-8: 0x{raw[error.start]:02x}")
    if not text.strip():
        return RejectReason("not_json", "nothing but blanks")
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
    if _holds_surrogate(value):
        return RejectReason("not_storable", "holds half of a surrogate pair, which is no character")
    return Parsed(value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _number(text: str) -> int | float:
    try:
        number = Decimal(text)
    except InvalidOperation:  # its exponent is beyond what Python counts in, and far beyond PostgreSQL's
        raise OverflowError(f"holds a number with an exponent that PostgreSQL does not store: {text[:40]}") from None
    if number and (number.adjusted() > MAX_EXPONENT or len(text) > MAX_EXPONENT):
        raise OverflowError(f"holds a number of {number.adjusted()} digits, PostgreSQL stores {MAX_EXPONENT}")
    return int(number) if number == number.to_integral_value() and number.adjusted() < 400 else float(number)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _holds_nul(member) for name, member in value.items())
    return isinstance(value, list) and any(_holds_nul(member) for member in value)


def _holds_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return bool(SURROGATE.search(value))
    if isinstance(value, dict):
        return any(SURROGATE.search(name) or _holds_surrogate(member) for name, member in value.items())
    return isinstance(value, list) and any(_holds_surrogate(member) for member in value)
