"""Reads the different values at some paths from the documents again: more than a profile keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.modelling.profiling.reading.chunks import Pass
from pipeline.modelling.profiling.reading.inputs import Input
from pipeline.modelling.profiling.reading.progress import progress_bar
from waybill.json_pointers import ANY, split_pointer

MAX_VALUES = 500_000  # different values of a path; with more, it is not looked at
Values = Mapping[str, set[str]]  # path -> the different values as texts
ReadValues = Callable[[Sequence[str]], Values]


def different_values(inputs: Sequence[Input], paths: Sequence[str]) -> Values:
    """Return the different strings and whole numbers at paths, as texts; without the paths that have too many."""
    found: dict[str, set[str]] = {path: set() for path in paths}
    names = {path: split_pointer(path) for path in paths}
    with progress_bar("looking for references", sum(each.size_bytes for each in inputs)) as advance:
        for chunk in Pass(inputs, advance).chunks():
            for path in list(found):
                found[path].update(as_text(value) for document in chunk for value in _at(document, names[path], 0))
                if len(found[path]) > MAX_VALUES:
                    del found[path]
    return found


def as_text(value: Any) -> str:
    """Return a string, or a whole number as PostgreSQL writes it."""
    return value if isinstance(value, str) else str(int(value))


def _at(value: Any, names: Sequence[str], start: int) -> Iterator[Any]:
    for index in range(start, len(names)):
        name = names[index]
        if name == ANY and isinstance(value, (list, dict)):
            for inner in value if isinstance(value, list) else value.values():
                yield from _at(inner, names, index + 1)
            return
        if not isinstance(value, dict) or name not in value:
            return
        value = value[name]
    if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        yield value
