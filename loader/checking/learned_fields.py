"""Unknown fields that many documents of a source have. They are counted without a walk through each document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from loader.checking.known_fields import JSON_TYPES
from waybill.json_pointers import ANY, split_pointer

MAX_POINTER_LENGTH = 200  # a pointer is part of a key in the ledger, and an index entry has at most 2,700 bytes
MAX_LEARNED = 128
MAX_SIGHTINGS = 1_000  # pointers that are counted before they are learned
SIGHTINGS_NEEDED = 8  # documents that have a field before it is learned; twice as many the second time, and so on
TYPES = len({*JSON_TYPES.values(), "null"})

Field = tuple[str, str]  # pointer and JSON type
Types = tuple[type, ...]  # of the learned fields in one document, in their order
Compile = Callable[[Iterable[list[str]]], Callable[[Any], bool] | None]

ABSENT = repeat(...)  # in place of a value that is not there


class LearnedFields:
    """The unknown fields that were seen most often, and the contract that allows no other unknown field.

    Only fields that are reached through named fields are learned: not those in lists, or below names that are data. A
    learned field is unknown wherever it is, because only its path decides that.
    """

    def __init__(self, compile_with: Compile) -> None:
        """Take what compiles the closed contract with more fields, given by their names; None if it cannot."""
        self._compile = compile_with
        self._sightings: Counter[str] = Counter()
        self._compilations = 0
        self._pointers: list[str] = []
        self._names: dict[tuple[str, ...], list[str]] = {}  # of the learned fields, by the path to their object
        self.most = 0  # of pairs of pointer and type that `count` can find
        self.allows: Callable[[Any], bool] = lambda document: False

    def learn(self, fields: Iterable[Field]) -> None:
        """Take the unknown fields of one more document that has others than those learned.

        Fields are learned once enough documents had them. More documents are needed each time, so that field names
        that are data do not compile contracts without end.
        """
        pointers = list(dict.fromkeys(pointer for pointer, _ in fields))
        if len(pointers) > MAX_LEARNED or not all(map(_can_be_learned, pointers)):
            return
        if len(self._sightings) > MAX_SIGHTINGS:
            self._sightings.clear()
        self._sightings.update(pointers)
        needed = SIGHTINGS_NEEDED * (self._compilations + 1)
        often = [pointer for pointer in pointers if self._sightings[pointer] >= needed]
        if new := [pointer for pointer in often if pointer not in self._pointers]:
            has_room = len(self._pointers) + len(new) <= MAX_LEARNED
            self._learn([*self._pointers, *new] if has_room else often)

    def types_in(self, document: Any) -> Types:
        """Return the types of the learned fields in a document that `allows` has accepted."""
        found: Types = ()
        for path, names in self._names.items():
            holder = document
            for name in path:
                holder = holder.get(name) if type(holder) is dict else None
            get = holder.get if type(holder) is dict else {}.get
            found += tuple(map(type, map(get, names, ABSENT)))
        return found

    def count(self, documents: Iterable[Types]) -> Counter[Field]:
        """Return how many of the documents have each learned field, by pointer and JSON type."""
        found: Counter[Field] = Counter()
        for pointer, types in zip(self._pointers, zip(*documents, strict=True), strict=False):  # none if no documents
            for kind, number in Counter(types).items():
                if kind is not type(...):
                    found[pointer, JSON_TYPES.get(kind, "null")] += number
        return found

    def _learn(self, pointers: list[str]) -> None:
        self._compilations += 1
        if allows := self._compile(map(split_pointer, pointers)):
            names: dict[tuple[str, ...], dict[str, str]] = {}
            for pointer in pointers:
                *above, name = split_pointer(pointer)
                names.setdefault(tuple(above), {})[name] = pointer
            self._names = {path: list(below) for path, below in names.items()}
            self._pointers = [pointer for below in names.values() for pointer in below.values()]
            self.most = len(self._pointers) * TYPES
            self.allows = allows


def _can_be_learned(pointer: str) -> bool:
    return len(pointer) <= MAX_POINTER_LENGTH and ANY not in split_pointer(pointer)
