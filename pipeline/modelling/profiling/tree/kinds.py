"""Finds out whether documents are of several kinds, which share few fields, and which field distinguishes the kinds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.modelling.profiling.keys.fields import KeyField
from pipeline.modelling.profiling.profile import OtherKinds

MAX_SHAPES = 1_000  # different sets of names; with more of them, no kinds are looked for
MAX_KINDS = 20
MIN_OWN = 2  # fields that only the documents of one kind have, nearly all of them
NEARLY_ALL = 0.9

Shape = frozenset[str]


class Shapes:
    """The sets of names that documents have at the top, with their counts."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.counts: Counter[Shape] | None = Counter()

    def add(self, chunk: Sequence[dict[str, Any]]) -> None:
        """Add a chunk of documents."""
        if self.counts is None:
            return
        for names, count in Counter(map(tuple, chunk)).items():
            self.counts[frozenset(names)] += count
            if len(self.counts) > MAX_SHAPES:
                self.counts = None
                return

    def kinds(self) -> dict[str, int]:
        """Return name -> number of the kind that alone has it; empty if the documents are of one kind.

        Two shapes are of one kind if they share a name that not all documents have.
        """
        if not self.counts:
            return {}
        common = frozenset.intersection(*self.counts)
        kinds = _joined(shape - common for shape in self.counts)
        if not 1 < len(kinds) <= MAX_KINDS or any(not shape - common for shape in self.counts):
            return {}
        for names in kinds:
            counts = {shape: count for shape, count in self.counts.items() if shape & names}
            nearly_all = NEARLY_ALL * sum(counts.values())
            own = [name for name in names if sum(n for shape, n in counts.items() if name in shape) >= nearly_all]
            if len(own) < max(MIN_OWN, len(common)):
                return {}
        return {name: number for number, names in enumerate(kinds) for name in names}


def other_kinds(
    kinds: dict[str, int], fields: Sequence[KeyField], chunks: Iterable[list[dict[str, Any]]]
) -> OtherKinds:
    """Return how many kinds there are, and the field whose values tell them apart: the one with the fewest values."""
    fields = [field for field in fields if field.node.distinct is not None and len(field.node.distinct) <= MAX_KINDS]
    found: dict[str, dict[Any, set[int]]] = {field.pointer: defaultdict(set) for field in fields}
    for chunk in chunks if fields else ():
        numbers = [next(kinds[name] for name in document if name in kinds) for document in chunk]
        for field in fields:
            for value, number in set(zip(field.values(chunk), numbers, strict=True)):
                found[field.pointer][value].add(number)
    telling = [field for field in fields if all(len(of_value) == 1 for of_value in found[field.pointer].values())]
    best = min(telling, key=lambda field: (len(found[field.pointer]), field.rank), default=None)
    values = sorted(((best.node.distinct or {}) if best else {}).items(), key=lambda each: (-each[1], each[0]))
    return OtherKinds(len(set(kinds.values())), best.pointer if best else None, tuple(values))


def _joined(groups: Iterable[Shape]) -> list[Shape]:
    """Return the groups, those that share a name joined, in the order of their first names."""
    joined: list[Shape] = []
    for group in groups:
        apart = [other for other in joined if not other & group]
        joined = [*apart, group.union(*(other for other in joined if other & group))]
    return sorted((group for group in joined if group), key=min)
