"""Looks for document keys in the rows of any relation, whatever its columns are called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import connection as Connection

from pipeline.erasing.kinds import Relation

LONG = 8  # characters of a key that is looked for inside longer texts, too: a shorter one would be found everywhere
MANY = 100  # keys of which none is looked for inside longer texts
TEXTS = "select {} from {}"
ROWS = "select to_jsonb(held)::text from {} as held"
MIN_WORD = 3  # characters of a shorter key that is looked for as a word, if it is not a number


Patterns = tuple[re.Pattern[bytes] | None, re.Pattern[bytes] | None]


def pattern_of(keys: Iterable[str]) -> Patterns:
    """Return the patterns that find keys in bytes, and in bytes that are text; None without such keys.

    In text, shorter keys are found as separate words. A number of fewer characters than LONG is not looked for.
    """
    inside, words = [], []
    for key in keys:
        escaped = re.escape(key.encode("utf-8", "surrogatepass"))
        if len(key) >= LONG:
            inside.append(escaped)
        elif len(key) >= MIN_WORD and not key.isdigit():
            words.append(rb"(?<![0-9A-Za-z])" + escaped + rb"(?![0-9A-Za-z])")
    return _any(inside), _any([*inside, *words])


def count_in_texts(connection: Connection, table: str, *, columns: Sequence[str], in_text: re.Pattern[bytes]) -> int:
    """Return how many rows of a table hold a key in one of some columns."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL(TEXTS).format(names, sql.Identifier(*table.split(".")))
    with connection, connection.cursor("texts") as cursor:
        cursor.execute(query)
        return sum(any(text and in_text.search(str(text).encode()) for text in row) for row in cursor)


def count_holding(
    connection: Connection, relations: Iterable[Relation], keys: Mapping[str, tuple[str, ...]]
) -> dict[Relation, int | None]:
    """Return how many rows of each relation hold one of the keys; None for a relation that may not be read.

    `keys` maps each document key to the values that it was joined from. A row holds a key if one of its values, at any
    depth of a jsonb, is the key, or if it has all values of the key; a long key is found inside texts, too.
    """
    return {relation: _count(connection, relation, keys) for relation in relations}


def _count(connection: Connection, relation: Relation, keys: Mapping[str, tuple[str, ...]]) -> int | None:
    query = sql.SQL(ROWS).format(sql.Identifier(relation.schema, relation.name))
    inside = [_spelled(key) for key in keys if len(key) >= LONG] if len(keys) <= MANY else []
    composed = [frozenset(parts) for parts in keys.values() if len(parts) > 1]
    with suppress(InsufficientPrivilege), connection, connection.cursor("holding") as cursor:
        cursor.execute(query)
        return sum(_holds(row, keys, composed, inside) for (row,) in cursor)
    return None


def _any(patterns: list[bytes]) -> re.Pattern[bytes] | None:
    return re.compile(b"|".join(patterns)) if patterns else None


def _holds(row: str, keys: Mapping[str, Any], composed: list[frozenset[str]], inside: list[str]) -> bool:
    if any(key in row for key in inside):
        return True
    values: set[str] = set()
    _collect([*json.loads(row, parse_int=str, parse_float=str).values()], values)
    return not values.isdisjoint(keys) or any(parts <= values for parts in composed)


def _spelled(key: str) -> str:
    """Return a text as PostgreSQL writes it inside a jsonb."""
    return json.dumps(key, ensure_ascii=False)[1:-1]


def _collect(value: Any, values: set[str]) -> None:
    """Add the scalars of a value to the values, as texts."""
    if isinstance(value, dict):
        values.update(value)
        for member in value.values():
            _collect(member, values)
    elif isinstance(value, list):
        for element in value:
            _collect(element, values)
    elif value is not None:
        values.add(str(value))
