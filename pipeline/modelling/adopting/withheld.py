"""Finds what does not fit any more and would stop being what it is: it changes only if the user names its path."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from loader.declarations import Source
from pipeline.modelling.adopting.conflicts import ARRAYS, OBJECTS, conflict_at, misfits, node_at
from pipeline.modelling.adopting.existing import Existing, KnownColumn
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.values.castable import uncastable
from pipeline.modelling.deciding.values.types import SCALARS, kinds_of, scalar_type
from pipeline.modelling.profiling.profile import Kind, Node
from pipeline.modelling.profiling.tree.fold import Fold
from waybill.json_pointers import join_pointer

WIDER = {  # type -> those that hold all its values as what they are
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric", "double precision"),
    "numeric": ("double precision",),
    "date": ("timestamptz",),
}
LONGEST_EXAMPLE = 40


@dataclass(frozen=True)
class Withheld:
    """A path with values that do not fit: `misfits` of its `values`, one of them as `example` in JSON.

    `columns` are the columns that would change, by path: the one at the path, or all below an object, array or map
    that some documents have something else for.
    """

    path: str
    was: str
    misfits: int
    values: int
    example: str
    columns: tuple[Names, ...]

    @property
    def shown(self) -> str:
        """What a message says about it."""
        example = f", such as {self.example}" if self.example else ""
        return f"{self.path} ({self.was}): {self.misfits:,} of {self.values:,} values do not fit{example}"


def can_widen(node: Node, column: KnownColumn) -> bool:
    """Return whether all values at a node are of a type that holds the column's values as what they are."""
    if not kinds_of(node) <= set(SCALARS):
        return False
    found = scalar_type(node, join_pointer(column.path), column.wrapper).type
    return found in WIDER.get(column.type, ())


def withheld(existing: Existing, root: Node, columns: Collection[Names], maps: Collection[Names]) -> list[Withheld]:
    """Return what does not fit, of the columns that stay unchanged; what is above several columns comes once."""
    found: dict[Names, Withheld] = {}
    elements = {table.element_path for table in existing.tables if table.kind != "document"}
    for path in sorted({*columns, *elements}):
        above = conflict_at(root, path, maps)
        if above is not None:
            found[above] = _structure(existing, root, above, maps)
        elif path in existing.columns and (node := node_at(root, path)) is not None:
            column = existing.columns[path]
            if wrong := misfits(node, column, existing.declared):
                found[path] = _column(node, column, wrong, existing.declared)
    return [one for path, one in sorted(found.items()) if not any(path[:end] in found for end in range(1, len(path)))]


def _column(node: Node, column: KnownColumn, wrong: int, source: Source) -> Withheld:
    values = sum(node.kinds.values()) - node.kinds["null"]
    field = join_pointer(column.path[: len(column.path) - len(column.wrapper)])
    declared = source.missing_texts
    missing = declared.get(field, []) if isinstance(declared, dict) else declared
    example = _example(value for value in _values(node) if not _is_like(value, column.type) and value not in missing)
    return Withheld(field, column.type, wrong, values, example or _nested(node, kinds_of(node)), (column.path,))


def _structure(existing: Existing, root: Node, path: Names, maps: Collection[Names]) -> Withheld:
    node = node_at(root, path) or Node()
    is_array = any(table.path == path and table.kind == "array" for table in existing.tables)
    is_map = path in maps
    allowed = ARRAYS if is_array else OBJECTS
    was = "array" if is_array else "map" if is_map else "object"
    others = kinds_of(node) - allowed
    wrong = sum(node.kinds[kind] for kind in others)
    values = sum(node.kinds.values()) - node.kinds["null"]
    columns = tuple(sorted(other for other in existing.columns if other[: len(path)] == path))
    return Withheld(join_pointer(path), was, wrong, values, _example(_values(node)) or _nested(node, others), columns)


def _values(node: Node) -> Iterator[object]:
    """Yield scalars at a node; if it has too many to keep, those that are known."""
    if node.distinct is not None:
        yield from (json.loads(text) for text in sorted(node.distinct))
        return
    yield from (text for text in (node.texts.highest, node.texts.lowest, *sorted(node.texts.missing)) if text)
    numbers = (node.numbers.highest, node.numbers.lowest)
    yield from (int(end) if end == end.to_integral_value() else float(end) for end in numbers if end is not None)


def _is_like(value: object, type_: str) -> bool:
    fold = Fold()
    fold.add([value])
    return uncastable(fold.finished(), type_) == 0


def _example(values: Iterator[object]) -> str:
    text = next((json.dumps(value, ensure_ascii=False) for value in values), "")
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[:LONGEST_EXAMPLE]}…"


def _nested(node: Node, kinds: Collection[Kind]) -> str:
    nested: tuple[Kind, ...] = ("object", "array", "empty object", "empty array")
    return next((f"an {kind}" for kind in nested if kind in kinds and node.kinds[kind]), "")
