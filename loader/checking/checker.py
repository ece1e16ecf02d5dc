"""Checks one document: it can be landed, or it is rejected for a reason. PostgreSQL parses; Python only checks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from loader.checking.contracts import Contract
from loader.checking.formats import BEGINNING_BYTES, recognise_format
from loader.checking.large_numbers import load_numbers
from loader.checking.learned_fields import Field, Types

MAX_POINTERS = 1_000  # unknown fields counted one by one in a batch: names can be data, without limit
MAX_UNCOUNTED = 1_000  # documents whose learned fields are counted together
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
        self._uncounted: list[Types] = []

    def check(self, raw: bytes) -> RejectReason | None:
        """Return the reason to reject a document, or None if it can be landed.

        Whatever a library raises for a document is the reason to reject that document, and stops no other.
        """
        try:
            return self._check(raw)
        except BaseException as error:
            if not is_of_document(error):
                raise
            return RejectReason("not_storable", f"cannot be checked: {type(error).__name__}: {str(error)[:200]}")

    def _check(self, raw: bytes) -> RejectReason | None:
        if len(raw) > self._max_bytes:
            return RejectReason("too_large", f"{len(raw)} bytes, the limit is {self._max_bytes}")
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            parsed = _parse(raw, str(error))
            if isinstance(parsed, RejectReason):
                return parsed
            document = parsed.value
        if b"\\u0000" in raw and any("\x00" in text for text in _texts(document)):
            return RejectReason("not_storable", "holds \\u0000, which PostgreSQL's text cannot store")
        if self._knows_all(document):
            return None
        breach = self._contract.breach(document)
        if breach:
            return RejectReason("breaks_contract", breach[1], breach[0])
        fields = self._unknown_fields(document)
        self.count_learned()
        self._count(fields)
        return None

    def takes(self, document: Any) -> bool:
        """Return True if a document, as orjson parsed it, satisfies the contract, and count its unknown fields.

        Learned fields are counted later, for many documents together: call `count_learned` after the last document.
        They are counted so only while drift has room for all of them; then the order of the documents changes nothing.
        """
        learned = self._contract.learned
        if 0 < learned.most < MAX_POINTERS - len(self._drift) and learned.allows(document):
            self._uncounted.append(learned.types_in(document))
            if len(self._uncounted) >= MAX_UNCOUNTED:
                self.count_learned()
            return True
        if self._contract.breach(document):
            return False
        fields = self._unknown_fields(document)
        self.count_learned()
        learned.learn(fields)
        self._count(fields)
        return True

    def count_learned(self) -> None:
        """Count the learned fields of the documents that were taken since the last call."""
        uncounted, self._uncounted = self._uncounted, []
        self._drift.update(self._contract.learned.count(uncounted))

    def _unknown_fields(self, document: Any) -> list[Field]:
        """Return each pair of pointer and type of a document's unknown fields once: all are found before one counts."""
        return list(dict.fromkeys(self._contract.unknown_fields(document)))

    def _count(self, fields: Iterable[Field]) -> None:
        """Count the unknown fields of one document."""
        drift, counted = self._drift, set()
        for field in fields:
            is_full = len(drift) >= MAX_POINTERS or MORE_FIELDS in drift
            counted_as = MORE_FIELDS if is_full and field not in drift else field
            if counted_as not in counted:
                counted.add(counted_as)
                drift[counted_as] += 1


def is_of_document(error: BaseException) -> bool:
    """Return True for what a library raised because of one document: any error, or a panic of a library in Rust.

    Everything else, such as Ctrl-C, stops the program.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


@dataclass(frozen=True)
class Parsed:
    """A value that orjson refuses although PostgreSQL stores it, such as a number that a double cannot hold."""

    value: Any


def _parse(raw: bytes, message: str) -> RejectReason | Parsed:
    """Parse bytes that orjson refused, if PostgreSQL would accept them; otherwise return the reason to reject them."""
    if found := recognise_format(raw[:BEGINNING_BYTES]):
        return RejectReason(*found)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return RejectReason("not_utf8", f"byte {error.start} is not UTF-8: 0x{raw[error.start]:02x}")
    if not text.strip():
        return RejectReason("not_json", "contains only blanks")
    try:
        value = load_numbers(text)
    except RecursionError:
        return RejectReason("not_storable", "nested too deep")
    except OverflowError as error:
        return RejectReason("not_storable", str(error))
    except ValueError:
        return RejectReason("not_json", message)
    if "depth limit" in message:
        return RejectReason("not_storable", "nested too deep")
    if any(SURROGATE.search(text) for text in _texts(value)):
        return RejectReason("not_storable", "holds half of a surrogate pair, which is not a character")
    return Parsed(value)


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings and field names in a value of any depth."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            todo += value.keys()
            todo += value.values()
        elif isinstance(value, list):
            todo += value
