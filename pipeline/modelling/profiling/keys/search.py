"""Finds keys: single fields first, then pairs and threes of the most likely fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pipeline.modelling.profiling.keys.counting import Kept, Repeats, Sample, count_repeats
from pipeline.modelling.profiling.keys.fields import LATE, MAX_PARTS, MAX_SINGLE, KeyField
from pipeline.modelling.profiling.keys.hashes import Column, HashColumns, column_name, combined, hash_values

MAX_UNIQUE = 10
MAX_NEAR = 5
NEAR = 0.5  # share of repeats up to which a field that is named like a key is a near miss
VERY_NEAR = 0.05  # and any other field
NEAR_TOGETHER = 0.01  # and several fields together
MAX_COUNTED = 40  # combinations that are counted exactly


@dataclass(frozen=True)
class Candidate:
    """Fields that were counted."""

    fields: tuple[KeyField, ...]
    found: Repeats

    @property
    def rank(self) -> tuple[Any, ...]:
        """What orders candidates: the least likely field, then fewer fields, then the fields' ranks."""
        roles = sorted((field.role for field in self.fields), reverse=True)
        return roles[0] >= LATE and len(self.fields) == 1, len(self.fields), roles, [each.rank for each in self.fields]


def fields_to_hash(fields: Sequence[KeyField], different: int) -> list[KeyField]:
    """Return the fields whose values are needed: those that may be unique, and the most likely parts of a key."""
    single = [field for field in fields if _may_be_unique(field, different)][:MAX_SINGLE]
    chosen = {field.pointer for field in (*single, *fields[:MAX_PARTS], *_versions(fields))}
    return [field for field in fields if field.pointer in chosen]


def hash_fields(chunk: Sequence[Any], fields: Sequence[KeyField], columns: HashColumns) -> None:
    """Add the values of a chunk of documents to the columns."""
    for field in fields:
        columns.append(column_name(field.pointer), hash_values(field.values(chunk)))


def find_keys(fields: Sequence[KeyField], columns: HashColumns, documents: Column, kept: Kept) -> list[Candidate]:
    """Return the unique candidates and the near misses, in the order of preference."""
    different = int(kept.sum())
    sample = Sample(documents, kept)

    def read(together: Sequence[KeyField]) -> list[Column]:
        return [columns.column(column_name(field.pointer)) for field in together]

    def count(together: Sequence[KeyField]) -> Candidate:
        return Candidate(
            tuple(together), count_repeats([columns.column(column_name(each.pointer)) for each in together], kept)
        )

    def may_be(together: Sequence[KeyField], share: float) -> bool:
        return sample.share_of_repeats(read(together)) <= share

    singles = [count([field]) for field in fields if _may_be_unique(field, different)]
    unique = [each for each in singles if not each.found.repeats]
    near = [each for each in singles if _is_near(each, different)]
    found = [*unique, *near, *_with_version(near, fields, count)]
    if not any(each.fields[0].role < LATE for each in unique):
        parts = _parts(fields, unique)
        for size in (2, 3):
            together = _counted(parts, size, count, may_be)
            found += [each for each in together if each.found.repeats <= different * NEAR_TOGETHER]
            if any(not each.found.repeats for each in together):
                break
    found.sort(key=lambda each: each.rank)
    is_unique = [each for each in found if not each.found.repeats]
    return [*is_unique[:MAX_UNIQUE], *[each for each in found if each.found.repeats][:MAX_NEAR]]


def _counted(
    parts: Sequence[KeyField],
    size: int,
    count: Callable[[Sequence[KeyField]], Candidate],
    may_be: Callable[[Sequence[KeyField], float], bool],
) -> list[Candidate]:
    """Return the combinations that are unique or nearly so, of the most likely fields."""
    together: list[Candidate] = []
    for fields in sorted(combinations(parts, size), key=lambda each: Candidate(each, Repeats(0)).rank):
        if may_be(fields, NEAR_TOGETHER):
            together.append(count(fields))
            if len(together) >= MAX_COUNTED or sum(not each.found.repeats for each in together) >= MAX_UNIQUE:
                break
    return together


def _with_version(
    near: Sequence[Candidate], fields: Sequence[KeyField], count: Callable[[Sequence[KeyField]], Candidate]
) -> Iterator[Candidate]:
    """Yield an id that repeats together with a field that orders its versions, if the two are unique."""
    for each in near:
        for version in _versions(fields):
            if version not in each.fields:
                counted = count((*each.fields, version))
                if not counted.found.repeats:
                    yield counted


def _versions(fields: Sequence[KeyField]) -> list[KeyField]:
    return [field for field in fields if field.is_version_like][:MAX_NEAR]


def _parts(fields: Sequence[KeyField], unique: Sequence[Candidate]) -> list[KeyField]:
    """Return the fields that are combined; one that is unique by itself is left out."""
    taken = {each.fields[0].pointer for each in unique}
    return [field for field in fields if field.pointer not in taken][:MAX_PARTS]


def _may_be_unique(field: KeyField, different: int) -> bool:
    distinct = field.node.distinct
    return distinct is None or len(distinct) * (1 + NEAR) >= different * NEAR


def _is_near(each: Candidate, different: int) -> bool:
    share = NEAR if each.fields[0].role < LATE - 2 else VERY_NEAR
    return 0 < each.found.repeats <= different * share


def hashes_of(fields: Sequence[KeyField], chunk: Sequence[Any]) -> Any:
    """Return the hashes of the fields' values together, for a chunk of documents."""
    return combined([hash_values(field.values(chunk)) for field in fields])
