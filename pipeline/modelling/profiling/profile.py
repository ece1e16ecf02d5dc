"""What was found in the documents of a source: a tree of paths with exact counts, whatever the order of documents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from loader.declarations import Layout

Kind = Literal[
    "object", "array", "string", "integer", "decimal", "boolean", "null", "empty object", "empty array"
]  # `integer`: a number without a fraction, 1.0 and 1e2 too; `object` and `array`: with at least one member or element
MAX_DISTINCT = 100  # different values that a path keeps with their counts
MAX_MEMBERS = 5_000  # different member names of the objects at a path that are profiled one by one
MAX_DEPTH = 60  # levels that are profiled; what is deeper is kept as JSON


@dataclass
class Texts:
    """The strings at a path. The counts of spellings say how many of all strings each grammar of the staging accepts.

    `dates`, `times` (with a UTC offset), `local_times` (without one) and `uuids` count what `is_castable` would read;
    `fine_times` counts times of both sorts that lose digits when they are cut to microseconds; `numerals` strings
    that spell a JSON number, leading zeros allowed: `zero_numerals` of them have such. `blank` counts strings of
    blanks only, the empty one too. `missing` counts the usual words for a missing value, such as NA, in each
    spelling. `lowest` and `highest` are by code point, and only the first 1,000 characters of them are kept.
    """

    count: int = 0
    max_length: int = 0
    max_bytes: int = 0
    lowest: str | None = None
    highest: str | None = None
    dates: int = 0
    times: int = 0
    local_times: int = 0
    fine_times: int = 0
    uuids: int = 0
    numerals: int = 0
    zero_numerals: int = 0
    blank: int = 0
    missing: Counter[str] = field(default_factory=Counter)


@dataclass
class Numbers:
    """The numbers at a path, compared exactly.

    `max_scale` is the largest number of decimals, `max_digits` the length of the longest number as PostgreSQL writes
    it (without exponent). `not_doubles` counts numbers that lose digits as a double, or are beyond 1e38. `sum` and
    `sum_of_squares` are for mean and deviation (floats, rounded to 12 digits, so that no order shows).
    """

    count: int = 0
    lowest: Decimal | None = None
    highest: Decimal | None = None
    max_scale: int = 0
    max_digits: int = 0
    not_doubles: int = 0
    sum: float = 0.0
    sum_of_squares: float = 0.0


@dataclass
class Node:
    """All values at one path. `*` names every element of an array, or every member of a collapsed object.

    `documents` counts the documents in which the path occurs, null included; `parents` the values (objects, elements)
    in which it could occur: `parents - sum(kinds)` is how often it is absent. `distinct` maps a scalar, as JSON text,
    to its count (numbers as `1`, `1.5`, however they are spelled; null is left out), and is None if there are more than
    MAX_DISTINCT different ones, or a string of more than 1,000 characters. `is_collapsed` says that the objects
    here have more than MAX_MEMBERS different names: `members` is empty then and `any_member` holds the values of all.
    `member_counts` is the number of members per object, summed: with few members per object, and many names, an
    object is a map. `max_elements` is the length of the longest array.
    """

    documents: int = 0
    parents: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    texts: Texts = field(default_factory=Texts)
    numbers: Numbers = field(default_factory=Numbers)
    distinct: Counter[str] | None = field(default_factory=Counter)
    members: dict[str, Node] = field(default_factory=dict)
    any_member: Node | None = None
    is_collapsed: bool = False
    member_counts: int = 0
    elements: Node | None = None
    max_elements: int = 0
    is_too_deep: bool = False


@dataclass(frozen=True)
class KeyCandidate:
    """One to three fields (JSON pointers) and how well they distinguish the different documents, counted exactly.

    `documents` is the number of different documents; `repeats` how many of them have a key that another one before
    them has. `examples` are repeated keys, as JSON arrays, with their counts.
    """

    pointers: tuple[str, ...]
    documents: int
    repeats: int
    examples: tuple[tuple[str, int], ...] = ()

    @property
    def is_unique(self) -> bool:
        """Whether no two different documents share the key."""
        return self.repeats == 0


@dataclass(frozen=True)
class OtherKinds:
    """Several kinds of documents, which share few fields: how many kinds, and the field that distinguishes them.

    `pointer` is None if no single field does so. `values` are the field's values, as JSON texts, with their counts.
    """

    kinds: int
    pointer: str | None
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class FileProfile:
    """One file that was read: how it is laid out, how many documents it has, and how many cannot be landed."""

    path: Path | None  # None for standard input and for what has landed already
    name: str
    layout: Layout
    records_at: str | None
    documents: int
    rejected: int
    first_reject: str | None = None


@dataclass(frozen=True)
class Profile:
    """Everything that was found. `documents` counts those that can be landed; `repeated` those equal to an earlier one.

    `keys` has the unique candidates and the near misses, unique ones first, in the order of preference. `other_kinds`
    is set if the documents seem to be of several kinds: the field that distinguishes them, with its values and their
    counts.
    """

    files: tuple[FileProfile, ...]
    documents: int
    repeated: int
    root: Node
    keys: tuple[KeyCandidate, ...]
    reads_bytes: int = 0
    other_kinds: OtherKinds | None = None
    left_alone: str = ""  # what was not read in the given folders, in words
