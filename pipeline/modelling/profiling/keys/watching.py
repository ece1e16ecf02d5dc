"""Hashes the fields that could be part of a key while the tree is read, so that most files need no second reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.modelling.profiling.keys.fields import MAX_TEXT, KeyField, values_at
from pipeline.modelling.profiling.keys.hashes import HashColumns, column_name, hash_values
from waybill.json_pointers import join_pointer

MAX_WATCHED = 32  # fields; with more of them, the likely ones are chosen when the tree is known, and read again
MAX_LEVELS = 4

Names = tuple[str, ...]


class WatchedFields:
    """The fields that all documents so far have, with a value that a key may have. Their hashes are in columns."""

    def __init__(self, columns: HashColumns) -> None:
        """Start with no field."""
        self._columns = columns
        self._names: list[Names] | None = None

    def add(self, chunk: Sequence[dict[str, Any]]) -> None:
        """Add the hashes of a chunk of documents. A field that does not fit is not watched any longer."""
        if self._names is None:
            found = list(_scalars(chunk[0], ()))
            self._names = found if len(found) <= MAX_WATCHED else []
        self._names = [names for names in self._names if self._append(names, chunk)]

    def has(self, field: KeyField) -> bool:
        """Return whether the hashes of a field are complete."""
        return field.names in (self._names or ())

    def clear(self) -> None:
        """Start again, with no field."""
        self._names = None

    def _append(self, names: Names, chunk: Sequence[Any]) -> bool:
        name = column_name(join_pointer(names))
        try:
            values = values_at(names, chunk)
        except (KeyError, TypeError, IndexError):  # it is absent, or there is no object above it
            values = []
        types = set(map(type, values))
        if types in ({int}, {bool}) or (types == {str} and max(map(len, values)) <= MAX_TEXT):
            self._columns.append(name, hash_values(values))
            return True
        self._columns.remove(name)
        return False


def _scalars(value: dict[str, Any], above: Names) -> Iterator[Names]:
    for name, member in value.items():
        if isinstance(member, dict) and len(above) < MAX_LEVELS:
            yield from _scalars(member, (*above, name))
        elif isinstance(member, str | int):
            yield (*above, name)
