"""Finds the columns whose values are all, or nearly all, keys of a mart.

At least 90 % of a column's different values must be keys. Small whole numbers and short codes are often keys by
chance, so there must be at least two, and the names must share a word (`cafe_id` and `dim_cafes`), or the column
must have at least 20 different texts. Of several marts, one that shares a word comes first, then the one with the
fewest orphans. A column of the documents that is as different as their key is another key of them, and refers to no
other of these documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.modelling.deciding.naming.names import joined_name
from pipeline.modelling.deciding.references.keyed_marts import KeyedMart
from pipeline.modelling.deciding.references.values import ReadValues, as_text
from pipeline.modelling.deciding.structure.maps import member_values
from pipeline.modelling.design import Column, Decision, Design, Reference
from pipeline.modelling.profiling.profile import Node, Profile
from waybill.json_pointers import ANY, split_pointer

MIN_SHARE = 0.9
MIN_TEXTS = 20
MIN_VALUES = 2  # one value can equal a key by chance
BATCH = 10_000
REFERS_TO = "refers to "
TEXTS, NUMBERS = ("text",), ("integer", "bigint")
GENERAL = frozenset(("id", "key", "code", "name", "number", "no", "uuid", "value", "ref", "field", "fct", "dim"))
RELATED = {"parent", "previous", "next", "ancestor", "manager", "root", "original"}  # documents of the same source


@dataclass(frozen=True)
class OwnMart:
    """The mart of the source itself: its documents may refer to each other."""

    name: str
    column: str
    type: str
    is_dimension: bool
    keys: frozenset[str] = frozenset()

    def known(self, values: Sequence[str]) -> set[str]:
        """Return those of the values that are keys of the documents."""
        return set(self.keys.intersection(values))


def with_references(design: Design, profile: Profile, marts: Sequence[KeyedMart], read: ReadValues) -> Design:
    """Return a design whose columns name the mart they refer to. `read` reads the documents again."""
    others = [mart for mart in marts if not _is_own(mart.name, design)]
    candidates = {
        column.path: (column, node)
        for table in design.tables
        for column in table.columns
        if _may_refer(column, design) and (node := node_at(profile.root, column.path))
    }
    own = _own_mart(design)
    keys = node_at(profile.root, design.key[0]) if own else None
    possible = {path: _possible(column, node, others) for path, (column, node) in candidates.items()}
    own_paths = [path for path, (column, node) in candidates.items() if own and _overlaps(node, column, own, keys)]
    wanted = [path for path, found in possible.items() if found or path in own_paths]
    many = [path for path in wanted if candidates[path][1].distinct is None]
    many += [design.key[0]] if own_paths else []
    values = dict(read(many)) if many else {}
    values |= {path: _few(candidates[path][1]) for path in wanted if candidates[path][1].distinct is not None}
    if own and own_paths and design.key[0] in values:
        mart = replace(own, keys=frozenset(values[design.key[0]]))
        referring = [path for path in own_paths if not _is_key_too(candidates[path][0], values.get(path, set()), mart)]
        possible |= {path: [*possible[path], mart] for path in referring}
    references = {
        path: reference
        for path in wanted
        if path in values and (reference := _best(candidates[path][0], possible[path], values[path]))
    }
    return _referring(design, references)


def node_at(root: Node, path: str) -> Node | None:
    """Return the node at a path with `*` for elements and for members of maps; None if there is none."""
    node: Node | None = root
    for name in split_pointer(path):
        if node is None:
            return None
        below = node.elements or member_values(node) if name == ANY else None
        node = below or node.members.get(name)
    return node


def _is_own(mart: str, design: Design) -> bool:
    return mart in {f"{prefix}{design.mart(table)[3:]}" for table in design.tables for prefix in ("fct", "dim")}


def _own_mart(design: Design) -> OwnMart | None:
    """Return the mart of the documents, its keys not read yet, if it has a key of one column."""
    key = next((each for each in design.root.columns if (each.pointer,) == design.key), None)
    if key is None:
        return None
    return OwnMart(design.mart(design.root), key.name, key.sql_type, design.is_dimension)


def _may_refer(column: Column, design: Design) -> bool:
    is_key = len(design.key) == 1 and column.path == design.key[0]
    return column.type in (*TEXTS, *NUMBERS) and column.missing < column.rows and not is_key


def _is_key_too(column: Column, values: set[str], own: OwnMart) -> bool:
    """Return True for a field of all documents that has as many different values as their key, such as an alias."""
    is_of_documents = ANY not in split_pointer(column.path)
    return is_of_documents and not column.missing and len(values) >= len(own.keys)


def _possible(column: Column, node: Node, marts: Iterable[KeyedMart]) -> list[KeyedMart]:
    """Return the marts whose keys include the lowest or the highest value of a column."""
    ends = [node.texts.lowest, node.texts.highest, node.numbers.lowest, node.numbers.highest]
    texts = [as_text(end) for end in ends if end is not None]
    alike = [mart for mart in marts if _is_alike(column, mart)]
    named = [mart for mart in alike if column.type in TEXTS or _share_word(column, mart)]
    return [mart for mart in named if texts and mart.known(texts)]


def _overlaps(node: Node, column: Column, own: OwnMart, keys: Node | None) -> bool:
    """Return True if values of a column could be keys of the source itself: the lowest or highest is among them."""
    if keys is None or not _is_alike(column, own):
        return False
    if column.type in TEXTS:
        low, high, first, last = node.texts.lowest, node.texts.highest, keys.texts.lowest, keys.texts.highest
        is_any = _share_word(column, own) or node.distinct is None or len(node.distinct) >= MIN_TEXTS
        return is_any and any(end and str(first) <= end <= str(last) for end in (low, high))
    ends = (node.numbers.lowest, node.numbers.highest)
    first_key, last_key = keys.numbers.lowest, keys.numbers.highest
    if first_key is None or last_key is None or not _share_word(column, own):
        return False
    return any(end is not None and first_key <= end <= last_key for end in ends)


def _is_alike(column: Column, mart: KeyedMart) -> bool:
    """Return True if values can be compared with keys, and a dimension's key has room for those that it lacks."""
    if mart.is_dimension and (column.type, mart.type) == ("bigint", "integer"):
        return False
    return column.type == mart.type or (column.type in NUMBERS and mart.type in NUMBERS)


def _few(node: Node) -> set[str]:
    values = (json.loads(text) for text in node.distinct or () if text != "null")
    return {as_text(value) for value in values if not isinstance(value, bool)}


def _best(column: Column, marts: Iterable[KeyedMart], values: set[str]) -> Reference | None:
    found = []
    for mart in marts:
        is_named = _share_word(column, mart)
        if len(values) < MIN_VALUES or not (is_named or (column.type in TEXTS and len(values) >= MIN_TEXTS)):
            continue
        orphans = len(values) - _count_known(mart, values)
        if orphans <= (1 - MIN_SHARE) * len(values):
            reference = Reference(mart.name, mart.column, mart.is_dimension, values=len(values), orphans=orphans)
            found.append((not is_named, orphans, mart.name, reference))
    return min(found, key=lambda each: each[:3])[3] if found else None


def _count_known(mart: KeyedMart, values: set[str]) -> int:
    ordered = sorted(values)
    return sum(len(mart.known(ordered[start : start + BATCH])) for start in range(0, len(ordered), BATCH))


def _share_word(column: Column, mart: KeyedMart) -> bool:
    """Return True if the names on the column's path share a word with the mart or its key, such as `cafe`."""
    of_column = _words([joined_name(name for name in split_pointer(column.path) if name != ANY)])
    of_mart = _words([mart.name, mart.column]) | (RELATED if isinstance(mart, OwnMart) else set())
    return not of_column.isdisjoint(of_mart)


def _words(names: Iterable[str]) -> set[str]:
    words = {word for name in names for word in name.split("_")} - GENERAL
    return {f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s") for word in words}


def _referring(design: Design, references: dict[str, Reference]) -> Design:
    tables = tuple(
        replace(
            table,
            columns=tuple(replace(column, reference=references.get(column.path)) for column in table.columns),
        )
        for table in design.tables
    )
    decisions = [reference_decision(path, reference) for path, reference in sorted(references.items())]
    return replace(design, tables=tables, decisions=(*design.decisions, *decisions))


def reference_decision(path: str, reference: Reference, *, is_counted: bool = True) -> Decision:
    """Return the decision that a column refers to a mart; `is_counted`: its values were compared with the keys."""
    known = reference.values - reference.orphans
    evidence = f"{known:,} of {reference.values:,} different values are keys there" if is_counted else ""
    return Decision(path, f"{REFERS_TO}{reference.mart}.{reference.column}", evidence)
