"""Reads the rows of a mart as hashes, before and after rows were erased, and says which are gone or have changed.

Keys are hashed as in the evaluated rows of models (`hash_keys`), so that a model's rows are found by their hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from psycopg2 import sql

from ml.columns import COLUMN_TYPES, NUMBERS, TEXTS, TIMES, key_text
from ml.erasing.subjects import Subject
from ml.reading.selection import as_number, as_text
from ml.registry.evaluation import hash_keys
from warehouse.connection import cursor_of

ROWS_AT_ONCE = 20_000
CONTENT = "hash_record_extended(row({}), 0)"  # four times as fast as the hash of a row's text
HASHABLE = (*NUMBERS, *TEXTS, *TIMES, "boolean", "uuid")  # others, of which some are not, are hashed as text
READ = "select {hashes}, {keys} from marts.{table} as mart"
DIFFERENT = "select distinct {text} from marts.{table} as mart where {text} is not null"


@dataclass(frozen=True)
class MartRows:
    """The rows of a mart as hashes: arrays in the order of the keys' hashes, one element a row.

    `contents` are of the columns that models learn from. `features` has an array for each set of features, as answers
    hold them. `texts` has the sorted hashes of the different texts of each categorical column.
    """

    keys: Any
    contents: Any
    features: dict[tuple[str, ...], Any]
    texts: dict[str, Any]

    def gone(self, now: MartRows) -> Any:
        """Return the keys that are not there now."""
        import numpy as np

        return np.setdiff1d(self.keys, now.keys)

    def changed(self, now: MartRows) -> Any:
        """Return the keys whose rows have other values now."""
        import numpy as np

        keys, places, places_now = np.intersect1d(self.keys, now.keys, return_indices=True)
        return keys[self.contents[places] != now.contents[places_now]]

    def lost_features(self, now: MartRows, features: tuple[str, ...]) -> Any:
        """Return the hashes of features that no row has now."""
        import numpy as np

        if features not in self.features:
            return np.array([], dtype="int64")
        return np.setdiff1d(self.features[features], now.features.get(features, []))

    def lost_texts(self, now: MartRows, column: str) -> Any:
        """Return the hashes of texts of a column that no row has now."""
        import numpy as np

        return np.setdiff1d(self.texts.get(column, np.array([], dtype="uint64")), now.texts.get(column, []))


def read_marts(subjects: list[Subject]) -> dict[tuple[str, ...], MartRows]:
    """Return the rows of each subject's mart; one that is missing, or does not have the key, is left out.

    A mart that several tasks learn from is read once.
    """
    together: dict[tuple[str, ...], list[Subject]] = {}
    for subject in subjects:
        together.setdefault(subject.mart, []).append(subject)
    found: dict[tuple[str, ...], MartRows] = {}
    for mart, same in together.items():
        columns = _Columns(
            *(mart[0], mart[1:]),
            *(_each_once(getattr(one, name) for one in same) for name in ("columns", "categorical", "feature_sets")),
        )
        if (rows := _read_mart(columns)) is not None:
            found[mart] = rows
    return found


@dataclass(frozen=True)
class _Columns:
    table: str
    key: tuple[str, ...]
    columns: list[str]
    categorical: list[str]
    feature_sets: list[tuple[str, ...]]


def _each_once(lists: Iterable[list[Any]]) -> list[Any]:
    return list(dict.fromkeys(chain.from_iterable(lists)))


def mart_types(cursor: Any, table: str, key: Iterable[str]) -> dict[str, str]:
    """Return column → type of a mart; empty if it is missing or does not have the key."""
    cursor.execute(COLUMN_TYPES, [sql.Identifier("marts", table).as_string(cursor)])
    types = dict(cursor.fetchall())
    names = set(key)
    return types if names and names <= types.keys() else {}


def _read_mart(read: _Columns) -> MartRows | None:
    with cursor_of("trainer") as cursor:
        types = mart_types(cursor, read.table, read.key)
    if not types:
        return None
    sets = [features for features in read.feature_sets if set(features) <= types.keys()]
    keys, hashes = _read_hashes(read, types, sets)
    return MartRows(keys, hashes[:, 0], dict(zip(sets, hashes[:, 1:].T, strict=True)), _read_texts(read, types))


def hash_texts(texts: list[str]) -> Any:
    """Return a 64-bit hash of each text."""
    import numpy as np
    from pandas.util import hash_array

    return hash_array(np.array(texts, dtype=object), categorize=False)


def hash_of(values: Iterable[sql.Composable]) -> sql.Composable:
    """Return the expression of the hash of several values."""
    return sql.SQL(CONTENT).format(sql.SQL(", ").join(values))


def is_number(name: str, types: dict[str, str]) -> bool:
    """Return whether answers hold a feature as a number."""
    return types[name] in (*NUMBERS, "boolean")


def _read_hashes(read: _Columns, types: dict[str, str], sets: list[tuple[str, ...]]) -> tuple[Any, Any]:
    """Return the hashes of all keys, sorted, and a matrix with the hash of content and features of each row."""
    import numpy as np

    keys, hashes = [np.array([], dtype="uint64")], [np.empty((0, 1 + len(sets)), dtype="int64")]
    for rows in _fetch(_statement(read, types, sets)):
        hashes.append(np.array([row[: 1 + len(sets)] for row in rows], dtype="int64"))
        keys.append(_hash_rows(read.key, [row[1 + len(sets) :] for row in rows]))
    joined, matrix = np.concatenate(keys), np.concatenate(hashes)
    order = np.argsort(joined, kind="stable")
    return joined[order], matrix[order]


def _hash_rows(names: tuple[str, ...], keys: list[tuple[Any, ...]]) -> Any:
    import pandas as pd

    return hash_keys(pd.DataFrame(keys, columns=list(names), dtype="object"))


def _fetch(statement: sql.Composable) -> Iterator[list[tuple[Any, ...]]]:
    with cursor_of("trainer", "mart_rows") as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _statement(read: _Columns, types: dict[str, str], sets: list[tuple[str, ...]]) -> sql.Composable:
    content = [
        sql.SQL("{}" if types[name] in HASHABLE else "{}::text").format(sql.Identifier(name))
        for name in read.columns
        if name in types
    ]
    hashes = [hash_of(content or [key_text(list(read.key))])]
    for features in sets:
        hashes.append(hash_of([_feature(name, types) for name in features]))
    return sql.SQL(READ).format(
        hashes=sql.SQL(", ").join(hashes),
        keys=sql.SQL(", ").join(as_text(name, types[name]) for name in read.key),
        table=sql.Identifier(read.table),
    )


def _feature(name: str, types: dict[str, str]) -> sql.Composable:
    text = sql.SQL("nullif({}, '')").format(as_text(name, types[name]))
    return as_number(name, types[name]) if is_number(name, types) else text


def _read_texts(read: _Columns, types: dict[str, str]) -> dict[str, Any]:
    import numpy as np

    found: dict[str, Any] = {}
    with cursor_of("trainer") as cursor:
        for name in read.categorical:
            if name in types:
                text, table = as_text(name, types[name]), sql.Identifier(read.table)
                cursor.execute(sql.SQL(DIFFERENT).format(text=text, table=table))
                found[name] = np.sort(hash_texts([value for (value,) in cursor.fetchall()]))
    return found
