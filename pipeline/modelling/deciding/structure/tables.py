"""Turns the tree of paths into draft tables: objects become columns, arrays and maps child tables, the rest JSON."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.deciding.structure.maps import map_evidence, member_values
from pipeline.modelling.deciding.structure.wrappers import wrapped
from pipeline.modelling.deciding.values.types import SCALARS, counted_kinds, kinds_of, scalar_type
from pipeline.modelling.design import JSON
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import MAX_MEMBERS, Kind, Node
from waybill.json_pointers import ANY, join_pointer
from waybill.text import counted

MAX_LEVEL = 8  # child tables below one another; what is deeper is kept as JSON
MAX_TABLES = 100  # of one source; the arrays and maps after them, by their paths, are kept as JSON


@dataclass
class Structure:
    """The draft tables, parents first, and the paths that are there: those of columns, tables and objects."""

    flags: Flags
    kept: frozenset[Names]  # paths of key, version and columns that exist: what leads to them does not change
    tables: list[DraftTable] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, node: Node, table: DraftTable, pointer: Names, path: Names) -> None:
        """Add what is at one path to a table, or as tables below it."""
        text = join_pointer(path)
        self.nodes[text] = node
        if text in self.flags.left_out:
            return
        kinds = kinds_of(node)
        if text in self.flags.json or self.flags.types.get(text) == JSON:
            self._keep(node, table, (pointer, path), "as the flag says")
        elif node.is_too_deep:
            self._keep(node, table, (pointer, path), "nested too deeply")
        elif not kinds or kinds <= set(SCALARS):
            self._add_scalar(node, table, (pointer, path))
        elif _are_objects(kinds):
            self._add_object(node, table, (pointer, path))
        elif (kinds <= {"array", "empty array"} and "array" in kinds) or self._keeps_elements(path, kinds):
            self._add_array(node, table, (pointer, path))
        elif "object" in kinds and self._is_above_kept(path):
            self._add_object(node, table, (pointer, path))
        else:
            mixed = "always empty" if kinds <= {"empty object", "empty array"} else "values of several kinds"
            self._keep(node, table, (pointer, path), f"{mixed}: {counted_kinds(node)}")

    def _add_scalar(self, node: Node, table: DraftTable, at: tuple[Names, Names], wrapper: Names = ()) -> None:
        pointer, path = at
        choice = scalar_type(node, join_pointer(path[: len(path) - len(wrapper)]), wrapper)
        found = DraftColumn(pointer, path, node, choice.type, table.rows, wrapper, choice.reason, choice.flag)
        table.columns.append(found)

    def _keep(self, node: Node, table: DraftTable, at: tuple[Names, Names], reason: str, flag: str = "") -> None:
        table.columns.append(DraftColumn(*at, node, JSON, table.rows, reason=reason, flag=flag))

    def _add_object(self, node: Node, table: DraftTable, at: tuple[Names, Names]) -> None:
        pointer, path = at
        inner = wrapped(node)
        if inner:
            names, value = inner
            self.nodes[join_pointer((*path, *names))] = value
            self._add_scalar(value, table, ((*pointer, *names), (*path, *names)), names)
            return
        is_asked = join_pointer(path) in self.flags.maps
        evidence = "as the flag says" if is_asked else None if self._is_above_kept(path) else map_evidence(node)
        if evidence:
            self._add_map(node, table, at, evidence)
        elif node.is_collapsed:
            self._keep(node, table, at, f"more than {MAX_MEMBERS:,} different names", f"--map {join_pointer(path)}")
        else:
            self._add_members(node, table, at)

    def _add_members(self, node: Node, table: DraftTable, at: tuple[Names, Names]) -> None:
        for name in sorted(node.members):
            self.add(node.members[name], table, (*at[0], name), (*at[1], name))

    def _add_map(self, node: Node, table: DraftTable, at: tuple[Names, Names], evidence: str) -> None:
        child = DraftTable("map", at[1], at[0], node.member_counts, table, reason=evidence)
        self._add_child(table, child, node, member_values(node))

    def _add_array(self, node: Node, table: DraftTable, at: tuple[Names, Names]) -> None:
        elements = node.elements
        kinds = kinds_of(elements) if elements else set()
        is_table = kinds <= set(SCALARS) or _are_objects(kinds) or self._keeps_elements(at[1], {"array"})
        if elements is None or not is_table:
            inner = counted_kinds(elements) if elements else "none"
            self._keep(node, table, at, f"the elements are arrays or of several kinds: {inner}")
        else:
            child = DraftTable("array", at[1], at[0], sum(elements.kinds.values()), table)
            arrays, found = counted(node.kinds["array"], "array"), counted(child.rows, "element")
            child.reason = f"{arrays} with {found}, at most {node.max_elements:,}"
            self._add_child(table, child, node, elements)

    def _add_child(self, table: DraftTable, child: DraftTable, node: Node, values: Node | None) -> None:
        """Add a table of the values in an array or map, or keep these as JSON where there is no room for one."""
        if values is None or table.level >= MAX_LEVEL or len(self.tables) > MAX_TABLES:
            at = (child.pointer, child.path)
            self._keep(node, table, at, f"more than {MAX_LEVEL} levels or {MAX_TABLES} tables")
            return
        child.flag = f"--json {child.path_text}"
        self.tables.append(child)
        self._add_elements(values, child)

    def _is_above_kept(self, path: Names) -> bool:
        """Return whether a path that is kept leads through the members of the objects at this one."""
        return any(len(kept) > len(path) and kept[: len(path)] == path for kept in self.kept)

    def _keeps_elements(self, path: Names, kinds: Set[Kind]) -> bool:
        """Return whether a path that is kept leads through the elements of the arrays at this one."""
        is_map = join_pointer(path) in self.flags.maps
        return "array" in kinds and not is_map and any(kept[: len(path) + 1] == (*path, ANY) for kept in self.kept)

    def _add_elements(self, values: Node, table: DraftTable) -> None:
        """Add the columns of a child table: the members of its elements, or one column for the element itself."""
        path = table.element_path
        text = join_pointer(path)
        kinds = kinds_of(values)
        is_kept = self._is_above_kept(path)
        is_object = (_are_objects(kinds) or (is_kept and "object" in kinds)) and not wrapped(values)
        self.nodes[text] = values
        if text in self.flags.left_out:
            return
        is_nested = values.is_collapsed or text in self.flags.maps or (not is_kept and map_evidence(values))
        if text in self.flags.json:
            self._keep(values, table, ((), path), "as the flag says")
        elif is_object and not is_nested:
            self._add_members(values, table, ((), path))
        elif is_object or kinds & {"array", "empty array"}:
            self._keep(
                values, table, ((), path), f"an array or map directly in an array or map: {counted_kinds(values)}"
            )
        else:
            self.add(values, table, (), path)


def _are_objects(kinds: Set[Kind]) -> bool:
    """Return whether values are objects, and not all of them empty."""
    return kinds <= {"object", "empty object"} and "object" in kinds


def structure(root: Node, documents: int, flags: Flags, kept: frozenset[Names]) -> Structure:
    """Return the draft tables of documents; the documents' own table is the first."""
    table = DraftTable("document", (), (), documents)
    found = Structure(flags, kept, [table])
    found._add_members(root, table, ((), ()))
    return found
