"""Folds the values at a path into its node, and those below it into theirs: lists of values, chunk by chunk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, repeat
from typing import Any

import orjson

from pipeline.modelling.profiling.profile import MAX_DEPTH, MAX_DISTINCT, MAX_MEMBERS, Node
from pipeline.modelling.profiling.reading.exact_numbers import plain
from pipeline.modelling.profiling.tree.numbers import ExactSums, add_decimals, add_integers
from pipeline.modelling.profiling.tree.texts import KEPT_CHARACTERS, add_texts

Path = tuple[str | int, ...]  # names of members; ELEMENTS or MEMBERS for all of them
ELEMENTS, MEMBERS = 0, 1
Owners = list[int] | None  # for each value the document that holds it; None if each is of another document
Columns = dict[str, tuple[list[Any], Owners]]


class ManyNames(Exception):
    """Raised when the objects at a path have too many names: all is read once more, with this path collapsed."""

    def __init__(self, path: Path) -> None:
        """Take the path."""
        super().__init__(path)
        self.path = path


class Fold:
    """A node that grows, with its exact sums and the nodes below it."""

    def __init__(self, path: Path = (), collapsed: frozenset[Path] = frozenset()) -> None:
        """Take the path from the document on, and the paths that are known to have too many names."""
        self.node = Node()
        self._path = path
        self._collapsed = collapsed
        self._is_collapsed = path in collapsed
        self._members: dict[str, Fold] = {}
        self._others: Fold | None = None  # elements of arrays
        self._any: Fold | None = None  # members of a collapsed object
        self._sums = ExactSums()

    def add(self, values: Sequence[Any], owners: Owners = None) -> None:
        """Add values of one chunk of documents."""
        self.node.documents += len(values) if owners is None else len(set(owners))
        types = Counter(map(type, values))
        for kind, count in types.items():
            if kind is type(None):
                self.node.kinds["null"] += count
            elif kind in (dict, list):
                chosen, their_owners = _only(kind, values, owners) if len(types) > 1 else (values, owners)
                (self._add_objects if kind is dict else self._add_arrays)(chosen, their_owners)
            else:
                of_kind = values if len(types) == 1 else [value for value in values if type(value) is kind]
                self._add_scalars(kind, of_kind)

    def finished(self) -> Node:
        """Return the node with everything below it."""
        node = self.node
        self._sums.write(node.numbers)
        node.is_collapsed = self._is_collapsed
        node.members = {name: member.finished() for name, member in sorted(self._members.items())}
        for member in node.members.values():
            member.parents = node.kinds["object"] + node.kinds["empty object"]
        if self._any:
            node.any_member = self._any.finished()
            node.any_member.parents = node.member_counts
        if self._others:
            node.elements = self._others.finished()
            node.elements.parents = sum(node.elements.kinds.values())
        node.kinds = Counter({kind: count for kind, count in sorted(node.kinds.items()) if count})
        if node.distinct:
            node.distinct = Counter(dict(sorted(node.distinct.items())))
        node.texts.missing = Counter(dict(sorted(node.texts.missing.items())))
        return node

    def _add_scalars(self, kind: type, values: Sequence[Any]) -> None:
        node = self.node
        if kind is str:
            counts = Counter(values)
            node.kinds["string"] += len(values)
            add_texts(node.texts, counts)
            if node.texts.max_length > KEPT_CHARACTERS:
                node.distinct = None
            self._count(counts, lambda text: orjson.dumps(text).decode())
        elif kind is bool:
            node.kinds["boolean"] += len(values)
            self._count(Counter(values), lambda value: "true" if value else "false")
        elif kind is int:
            node.kinds["integer"] += len(values)
            add_integers(node.numbers, self._sums, values)
            self._count(Counter(values) if node.distinct is not None else {}, str)
        else:
            numbers = Counter(values)
            integers = add_decimals(node.numbers, self._sums, numbers)
            node.kinds["integer"] += integers
            node.kinds["decimal"] += len(values) - integers
            self._count(numbers, lambda value: plain(Decimal(repr(value) if type(value) is float else value)))

    def _count(self, counts: Mapping[Any, int], spell: Any) -> None:
        """Add the different values to those that the node keeps, unless they are too many."""
        distinct = self.node.distinct
        if distinct is None:
            return
        for value, count in counts.items():
            distinct[spell(value)] += count
            if len(distinct) > MAX_DISTINCT:
                self.node.distinct = None
                return

    def _add_arrays(self, arrays: Sequence[list[Any]], owners: Owners) -> None:
        lengths = list(map(len, arrays))
        self.node.max_elements = max(self.node.max_elements, *lengths, 0)
        filled = len(lengths) - lengths.count(0)
        self.node.kinds["array"] += filled
        self.node.kinds["empty array"] += len(lengths) - filled
        if not filled or self._is_too_deep():
            return
        self._others = self._others or Fold((*self._path, ELEMENTS), self._collapsed)
        elements = list(chain.from_iterable(arrays))
        self._others.add(elements, _repeated(owners, lengths))

    def _add_objects(self, objects: Sequence[dict[str, Any]], owners: Owners) -> None:
        sizes = list(map(len, objects))
        filled = len(sizes) - sizes.count(0)
        self.node.kinds["object"] += filled
        self.node.kinds["empty object"] += len(sizes) - filled
        self.node.member_counts += sum(sizes)
        if not filled or self._is_too_deep():
            return
        if self._is_collapsed:
            self._any = self._any or Fold((*self._path, MEMBERS), self._collapsed)
            members = list(chain.from_iterable(map(dict.values, objects)))
            self._any.add(members, _repeated(owners, sizes))
            return
        if max(sizes) > MAX_MEMBERS:
            raise ManyNames(self._path)
        columns = _columns(objects, owners)
        if len(self._members.keys() | columns.keys()) > MAX_MEMBERS:
            raise ManyNames(self._path)
        for name, (values, their_owners) in columns.items():
            if name not in self._members:
                self._members[name] = Fold((*self._path, name), self._collapsed)
            self._members[name].add(values, their_owners)

    def _is_too_deep(self) -> bool:
        self.node.is_too_deep = self.node.is_too_deep or len(self._path) >= MAX_DEPTH
        return self.node.is_too_deep


def _columns(objects: Sequence[dict[str, Any]], owners: Owners) -> Columns:
    """Return the values of each member of objects. Objects with the same names in the same order are taken together."""
    groups: dict[tuple[str, ...], tuple[list[dict[str, Any]], list[int]]] = defaultdict(lambda: ([], []))
    for number, each in enumerate(objects):
        alike = groups[tuple(each)]
        alike[0].append(each)
        if owners is not None:
            alike[1].append(owners[number])
    columns: Columns = {}
    for names, (alike_objects, alike_owners) in groups.items():
        flat = list(chain.from_iterable(map(dict.values, alike_objects)))  # reads each object once, which is fast
        for number, name in enumerate(names):
            if name not in columns:
                columns[name] = ([], None if owners is None else [])
            known_values, known_owners = columns[name]
            known_values += flat[number :: len(names)]
            if known_owners is not None:
                known_owners += alike_owners
    return columns


def _only(kind: type, values: Sequence[Any], owners: Owners) -> tuple[list[Any], Owners]:
    """Return the values of one type, and their owners."""
    chosen = [value for value in values if type(value) is kind]
    if owners is None:
        return chosen, None
    return chosen, [owner for value, owner in zip(values, owners, strict=True) if type(value) is kind]


def _repeated(owners: Owners, lengths: Iterable[int]) -> list[int]:
    """Return the owner of each element."""
    lengths = list(lengths)
    return list(chain.from_iterable(map(repeat, range(len(lengths)) if owners is None else owners, lengths)))
