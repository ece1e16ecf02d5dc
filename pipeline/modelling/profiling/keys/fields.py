"""The fields that could be part of a key, those first that are most likely meant to be one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.modelling.profiling.profile import Node
from waybill.json_pointers import join_pointer

MAX_TEXT = 200  # characters; a longer key is uncastable
MAX_SINGLE = 32  # fields that are looked at as keys by themselves
MAX_PARTS = 16  # fields that are looked at as parts of a key
FREE_TEXT = 64  # characters; longer strings are texts for people
LATE = 5  # from this role on, a field is unlikely to be meant as a key
WORDS = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
IDS = {"id", "ids", "key", "pk", "uuid", "guid", "oid"}
CODES = {"code", "number", "no", "nr", "num", "ref", "reference", "isbn", "sku", "ean", "iata", "icao", "iso", "slug"}
NAMES = {"name", "title", "url", "uri", "email", "login", "username", "symbol", "tag", "label", "path", "href"}
TIMES = {"time", "timestamp", "date", "datetime", "at", "ts", "created", "updated", "modified", "epoch"}
ROWS = {"row", "index", "idx", "rank", "position", "pos", "line", "order", "seq", "sequence", "offset"}
PERIODS = {"year", "quarter", "month", "week", "day", "hour", "season"}
VERSIONS = {"updated", "update", "modified", "version", "revision", "rev", "changed", "edited", "timestamp", "ts"}


@dataclass(frozen=True)
class KeyField:
    """A field that every document has, with one kind of value."""

    names: tuple[str, ...]
    node: Node

    @property
    def pointer(self) -> str:
        """The JSON pointer."""
        return join_pointer(self.names)

    @cached_property
    def words(self) -> list[str]:
        """The words of the field's name, in lower case; of an export wrapper, the words of its parent."""
        name = next((name for name in reversed(self.names) if not name.startswith("$")), "")
        return [word.lower() for word in WORDS.findall(name)] or [name]

    @property
    def is_version_like(self) -> bool:
        """Whether the name says that the field orders the versions of a document."""
        return not VERSIONS.isdisjoint(self.words)

    @cached_property
    def role(self) -> int:
        """How likely the field is meant to be a key, 0 first."""
        texts, numbers = self.node.texts, self.node.numbers
        last = self.words[-1]
        is_time = texts.count > 0 and texts.dates + texts.times + texts.local_times == texts.count
        if is_time or (last in TIMES and (texts.count == 0 or self.is_version_like)):
            return LATE
        for role, names in enumerate((IDS, CODES, NAMES)):
            if last in names or self.words[0] in names - NAMES:
                return role if texts.max_length <= FREE_TEXT or role == 0 else LATE + 1
        if last in ROWS or self._is_counted(numbers):
            return LATE + 1
        if self.node.kinds["boolean"]:
            return LATE + 3
        if numbers.count and last not in PERIODS:
            return LATE  # a measure: unique by chance
        return LATE + 2 if texts.max_length > FREE_TEXT else LATE - 2

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """What orders fields: the role, then the level, then the length of the pointer."""
        return self.role, len(self.names), len(self.pointer), self.pointer

    def values(self, documents: Sequence[Any]) -> list[Any]:
        """Return the field's values in documents."""
        return values_at(self.names, documents)

    def _is_counted(self, numbers: Any) -> bool:
        """Return whether the values could be 1, 2, 3 … without a gap: a row number."""
        if not numbers.count or numbers.lowest not in (0, 1):
            return False
        return bool(numbers.highest - numbers.lowest + 1 == self.node.documents > 1)


def values_at(names: Sequence[str], documents: Sequence[Any]) -> list[Any]:
    """Return the values that names lead to, of each document."""
    values = list(documents)
    for name in names:
        values = [value[name] for value in values]
    return values


def key_fields(root: Node) -> list[KeyField]:
    """Return the fields that could be part of a key, in the order of preference."""
    found = [KeyField(names, node) for names, node in _always_present(root, (), root.documents)]
    return sorted((field for field in found if _may_be_key(field.node)), key=lambda field: field.rank)


def _always_present(node: Node, above: tuple[str, ...], documents: int) -> Iterator[tuple[tuple[str, ...], Node]]:
    for name, member in node.members.items():
        if len(member.kinds) == 1 and sum(member.kinds.values()) == documents:
            yield (*above, name), member
            if member.kinds["object"]:
                yield from _always_present(member, (*above, name), documents)


def _may_be_key(node: Node) -> bool:
    """Return whether all values are of one kind that a key may have, and not all are the same."""
    if node.distinct is not None and len(node.distinct) == 1 and node.documents > 1:
        return False
    if node.kinds["string"]:
        return node.texts.max_length <= MAX_TEXT and not node.texts.blank
    return bool(node.kinds["integer"] or node.kinds["boolean"])
