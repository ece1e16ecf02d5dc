"""Makes names of columns and tables from member names. Each rule looks at one path, so no order shows in a name.

1. snake_case: `userId` and `User ID` become `user_id`. Accents are removed, other characters that are not ASCII are
   dropped, and signs become `_`; `+1` becomes `plus_1`. A member without any letter or digit becomes `field`.
2. The names on a path are joined by `_`.
3. A name that begins with a digit gets `field_` in front; a reserved word of SQL, or a name that the pipeline or
   PostgreSQL uses, gets `_field` at its end.
4. Of several equal names, the one that is spelled so in the documents stays; every other one gets `_` and six
   hexadecimal digits of the SHA-256 of its path.
5. A name of more than 55 bytes is cut, and gets the same digits.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from waybill.json_pointers import join_pointer


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


Names = tuple[str, ...]  # the unescaped names in a pointer or path
MAX_BYTES = 55  # PostgreSQL cuts names of more than 63; dbt and constraints add suffixes
NO_LETTERS = "field"
RESERVED = _words(
    "all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except exists false "
    "fetch for foreign freeze from full grant group grouping having ilike in initially inner intersect interval into "
    "is isnull join lateral leading left like limit localtime localtimestamp merge natural not notnull null offset on "
    "only or order outer overlaps placing primary references returning right row select session_user similar some "
    "symmetric system_user table tablesample then to trailing true union unique user using values variadic verbose "
    "when where window with"
)
SYSTEM = _words("cmax cmin ctid metadata registry tableoid xmax xmin")  # of PostgreSQL and SQLAlchemy
PIPELINE = _words(
    "contradiction delivery_number document document_key document_version has_newest is_inferred is_withdrawn "
    "newest_batch_id newest_number newest_position other_fields outcome outcome_reason same_batch_id same_position "
    "source surviving_batch_id surviving_position uncastable_reason version_number"
)
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"})

SIGNED = re.compile(r"^([+-])(?=[0-9])")  # `+1` and `-1` are different members
SIGNS = {"+": "plus_", "-": "minus_"}


def snake_case(name: str) -> str:
    """Return a member's name in snake_case; empty if it has no letter or digit of ASCII."""
    name = SIGNED.sub(lambda found: SIGNS[found[1]], name)
    plain = unicodedata.normalize("NFKD", name.translate(LETTERS))
    ascii_only = "".join(letter for letter in plain if letter.isascii())
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", ascii_only)
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", spaced)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def joined_name(names: Iterable[str]) -> str:
    """Return the name that the member names on a path make, before collisions and length are looked at."""
    return "_".join(snake_case(name) or NO_LETTERS for name in names)


def allowed_name(name: str) -> str:
    """Return a name that can be a column: not a reserved word, not one that the pipeline uses, no digit in front."""
    if name[:1].isdigit():
        return f"field_{name}"
    return f"{name}_field" if name in RESERVED | SYSTEM | PIPELINE else name


def with_digits(name: str, path: Names, limit: int = MAX_BYTES) -> str:
    """Return a name that ends with the six digits that distinguish its path."""
    digest = hashlib.sha256(join_pointer(path).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: limit - 7].rstrip('_')}_{digest[:6]}"


def cut_name(name: str, path: Names, limit: int = MAX_BYTES) -> str:
    """Return a name of at most `limit` bytes."""
    return name if len(name) <= limit else with_digits(name, path, limit)


def distinct_names(
    wanted: Mapping[Names, str], *, taken: Iterable[str] = (), spelled: Iterable[Names] = (), limit: int = MAX_BYTES
) -> dict[Names, str]:
    """Return one name for each path. No two are equal, and none is one of those that are taken.

    `spelled` has the paths whose member names are their name already: the shortest one of equal names keeps it.
    """
    taken, spelled = set(taken), set(spelled)
    paths: dict[str, list[Names]] = {}
    for path, name in wanted.items():
        paths.setdefault(name, []).append(path)
    names = {}
    for name, equal in paths.items():
        first = equal[0] if len(equal) == 1 else _first([path for path in equal if path in spelled])
        for path in equal:
            is_free = path == first and name not in taken
            names[path] = cut_name(name, path, limit) if is_free else with_digits(name, path, limit)
    return names


def _first(paths: list[Names]) -> Names | None:
    """Return the path with the fewest names, if there is one."""
    fewest = min((len(path) for path in paths), default=0)
    shortest = [path for path in paths if len(path) == fewest]
    return shortest[0] if len(shortest) == 1 else None
