"""Ranks the fields that could be the key of a source, and chooses one.

1. Ids: the name is or ends in id, key, code, uuid, number and their like, or all values are UUIDs or in `$oid`.
2. Names, and texts of at most 8 characters, such as LAX.
3. Several fields, one of which is an id or a name: the key of observations.
4. Other texts, and years and other periods; several fields with one of these.
5. Other whole numbers, which may be unique by chance.
6. Times, row numbers and free text.

Within these: fewer fields, fewer levels, a shorter pointer. Several fields without an id or a name, one of which is a
measure with many values, are unique by chance, and no key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from loader.declared_types import VALUE
from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.naming.names import snake_case
from pipeline.modelling.deciding.values.types import kinds_of
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import KeyCandidate, Node, Profile
from waybill.json_pointers import split_pointer
from waybill.text import counted

ID_WORDS = ("id", "uuid", "guid", "key", "code", "number", "no", "sku", "isbn", "slug")
ROW_NUMBERS = re.compile("index|idx|row(num|_?number|_?id)?|line(_?number)?|rank|position|seq|sequence")
FREE_TEXTS = re.compile("description|comments?|text|summary|body|notes?|message|content|abstract")
ID, NAME, OBSERVED, TEXT, MEASURE, LAST = range(6)
PERIODS = ("year", "quarter", "month", "week", "day", "hour", "season")
FREE_TEXT_LENGTH = 80  # characters: a field with a longer text is free text
CODE_LENGTH = 8  # characters: texts that are shorter throughout are codes, such as LAX


@dataclass(frozen=True)
class KeyChoice:
    """The key, why it was chosen, and other fields that are a key, too; `misses` nearly are, with repeated values."""

    pointers: tuple[str, ...]
    evidence: str
    misses: tuple[KeyCandidate, ...] = ()


def chosen_key(profile: Profile, flags: Flags) -> KeyChoice:
    """Return the key that the user chose, else the best unique candidate, else the value of a document."""
    misses = tuple(candidate for candidate in profile.keys if not candidate.is_unique)
    if flags.key_is_value:
        return KeyChoice((VALUE,), "as the flag says", misses)
    if flags.key:
        return KeyChoice(flags.key, _evidence_of(flags.key, profile), misses)
    candidates = [each for each in profile.keys if each.is_unique and not _is_by_chance(each, profile)]
    unique = sorted(candidates, key=lambda candidate: _rank(candidate, profile))
    if not unique:
        return KeyChoice((VALUE,), _no_key(profile), misses)
    others = ", ".join(" + ".join(candidate.pointers) for candidate in unique[1:6])
    best = unique[0]
    evidence = f"{best.documents:,} of {best.documents:,} unique" + (f"; also {others}" if others else "")
    pointers = sorted(best.pointers, key=lambda pointer: (field_class(pointer, profile), pointer))
    return KeyChoice(tuple(pointers), evidence, misses)


def _no_key(profile: Profile) -> str:
    by_chance = [" + ".join(candidate.pointers) for candidate in profile.keys if candidate.is_unique]
    found = f", but for {', '.join(by_chance[:3])}, probably by chance" if by_chance else ""
    return f"no one to three fields are in all documents and together unique{found}"


def node_at(profile: Profile, pointer: str) -> Node | None:
    """Return the node at a pointer through objects; None if there is none."""
    node: Node | None = profile.root
    for name in split_pointer(pointer):
        node = node.members.get(name) if node else None
    return node


def _is_by_chance(candidate: KeyCandidate, profile: Profile) -> bool:
    """Return True for several fields without an id or a name, one of which is a measure with many values."""
    classes = {pointer: field_class(pointer, profile) for pointer in candidate.pointers}
    if len(classes) == 1 or min(classes.values()) <= NAME:
        return False
    distinct = [(node_at(profile, pointer) or Node()).distinct for pointer in classes if classes[pointer] == MEASURE]
    return any(values is None or len(values) * 5 > profile.documents for values in distinct)


def _rank(candidate: KeyCandidate, profile: Profile) -> tuple[object, ...]:
    classes = [field_class(pointer, profile) for pointer in candidate.pointers]
    # an id and a date are a key of observations, a country and a year one of statistics
    kind = OBSERVED if len(classes) > 1 and min(classes) < OBSERVED else min(classes)
    depth = max(pointer.count("/") for pointer in candidate.pointers)
    length = sum(len(pointer) for pointer in candidate.pointers)
    return kind, len(classes), depth, length, candidate.pointers


def field_class(pointer: str, profile: Profile) -> int:
    """Return the rank of a field, as the docstring of this module defines it."""
    names = split_pointer(pointer)
    node = node_at(profile, pointer) or Node()
    texts = node.texts
    if names[-1] in ("$oid", "$uuid") or (texts.count and texts.uuids == texts.count):
        return ID
    own = [name for name in names if not name.startswith("$")]
    name = snake_case(own[-1]) if own else ""
    word = name.rsplit("_", 1)[-1]
    is_time = texts.count > 0 and texts.times + texts.local_times + texts.dates == texts.count
    if ROW_NUMBERS.fullmatch(name) or FREE_TEXTS.fullmatch(name) or texts.max_length > FREE_TEXT_LENGTH:
        return LAST
    if is_time or names[-1] == "$date":
        return LAST
    if word in ID_WORDS or name.endswith("id"):
        return ID
    if word == "name" or 0 < texts.max_length <= CODE_LENGTH:
        return NAME
    return TEXT if texts.count or word in PERIODS else MEASURE


def miss_text(candidate: KeyCandidate) -> str:
    """Return how often the fields repeat a value, without the values."""
    named = " + ".join(candidate.pointers)
    return f"{named}: {candidate.repeats:,} of {candidate.documents:,} repeat a value"


def _find(pointers: tuple[str, ...], profile: Profile) -> KeyCandidate | None:
    return next((candidate for candidate in profile.keys if set(candidate.pointers) == set(pointers)), None)


def _evidence_of(pointers: tuple[str, ...], profile: Profile) -> str:
    """Return what is known about a key that the user chose.

    Raises:
        ModellingRefused: a field is not there, or not of one kind that can be a key.
    """
    absent = []
    for pointer in pointers:
        node = node_at(profile, pointer)
        if node is None:
            raise ModellingRefused(f"--key {pointer}: no document has this field; name one that the documents have")
        kinds = kinds_of(node)
        if len(kinds) != 1 or not kinds <= {"string", "integer", "boolean"}:
            found = " and ".join(sorted(kinds)) or "null"
            raise ModellingRefused(
                f"--key {pointer}: a key is a string, whole number or boolean in every document, and this field is "
                f"{found}; choose another one, or --key value"
            )
        missing = profile.documents - sum(node.kinds[kind] for kind in kinds)
        if missing:
            absent.append(f"{missing:,} documents have no {pointer} and become rejects")
    candidate = _find(pointers, profile)
    known = "as the flag says"
    if candidate:
        known = "as the flag says: " + (
            f"{candidate.documents:,} of {candidate.documents:,} unique"
            if candidate.is_unique
            else miss_text(candidate)
        )
    elif node and len(pointers) == 1 and node.distinct is not None and len(node.distinct) < profile.documents:
        values = counted(len(node.distinct), "different value")
        known += f": {values} in {profile.documents:,} documents; of each, only the newest document is in the mart"
    return "; ".join([known, *absent])
