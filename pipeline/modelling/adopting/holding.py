"""Keeps what a source has already while its design is made again: names, types and tables of all that is not named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from loader.declared_types import VALUE
from pipeline.modelling.adopting.conflicts import conflict_at, misfits, node_at
from pipeline.modelling.adopting.existing import Existing, KnownColumn, KnownTable
from pipeline.modelling.adopting.named import Named
from pipeline.modelling.adopting.withheld import Withheld, can_widen, withheld
from pipeline.modelling.deciding.keys.candidates import KeyChoice, chosen_key
from pipeline.modelling.deciding.keys.versions import chosen_version
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.deciding.structure.tables import Structure, structure
from pipeline.modelling.design import JSON, Decision
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Node, Profile
from waybill.json_pointers import join_pointer, split_pointer

AS_BEFORE, FLAGGED = "as before", "as the flag says"


@dataclass(frozen=True)
class Holding:
    """The decisions that stay; at the paths in `named`, they are made again."""

    existing: Existing
    profile: Profile
    named: Named

    @cached_property
    def maps(self) -> frozenset[Names]:
        """The paths of the maps that have a table."""
        return frozenset(table.path for table in self.existing.tables if table.kind == "map")

    @cached_property
    def identifying(self) -> frozenset[Names]:
        """The paths of key and version, which stay columns."""
        declared = self.existing.declared
        pointers = [pointer for pointer in (*declared.key, declared.version) if pointer.startswith("/")]
        return frozenset(tuple(split_pointer(pointer)) for pointer in pointers if pointer != VALUE)

    @cached_property
    def released(self) -> frozenset[Names]:
        """The paths of columns and of the elements of tables that are decided again."""
        columns = {path for path, column in self.existing.columns.items() if self._is_released(path, column)}
        tables = [table for table in self.existing.tables if table.kind != "document"]
        named = {table.element_path for table in tables if self.named.redecides(table.path, is_column=False)}
        return frozenset(columns | named)

    def _is_released(self, path: Names, column: KnownColumn) -> bool:
        is_named = self.named.redecides(path, is_column=column.type != JSON)
        if is_named or not self.named.is_all:
            return is_named
        node = node_at(self.profile.root, path)
        if node is None or path in self.named.kept or conflict_at(self.profile.root, path, self.maps) is not None:
            return False
        return misfits(node, column, self.existing.declared) > 0 and can_widen(node, column)

    @cached_property
    def withheld(self) -> list[Withheld]:
        """What does not fit and stays unchanged, since nobody named it."""
        columns = frozenset(self.existing.columns) - self.released - self.named.kept
        return withheld(self.existing, self.profile.root, columns, self.maps) if self.named.is_all else []

    @cached_property
    def paths(self) -> frozenset[Names]:
        """The paths of columns and elements that stay, and of key and version."""
        elements = {table.element_path for table in self.existing.tables if table.kind != "document"}
        return ((frozenset(self.existing.columns) | elements | self.others) - self.released) | self.identifying

    @cached_property
    def others(self) -> frozenset[Names]:
        """The paths of fields that stay in `other_fields`."""
        return frozenset(path for table in self.existing.tables for path in table.others)

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The paths that stay left out."""
        left_out = self.existing.declared.left_out
        return {path: reason for path, reason in left_out.items() if not self._is_wanted(path)}

    def _is_wanted(self, path: str) -> bool:
        names = tuple(split_pointer(path))
        return any(names[: len(pointer)] == pointer for pointer in self.named.pointers)

    def flags(self, asked: Flags) -> Flags:
        """Return the user's flags with those that the decisions amount to."""
        columns = self.existing.columns.items()
        json = [join_pointer(path) for path, column in columns if column.type == JSON and path not in self.released]
        maps = [
            join_pointer(table.path)
            for table in self.existing.tables
            if table.kind == "map" and table.element_path not in self.released
        ]
        return replace(
            asked,
            json=(*asked.json, *json),
            maps=(*asked.maps, *maps),
            left_out={**self.left_out, **asked.left_out},
        )

    def key_and_version(self, profile: Profile, asked: Flags) -> tuple[KeyChoice, Decision]:
        """Return the key and version as declared, or as the user wants them now."""
        declared = self.existing.declared
        free, free_version = chosen_version(profile, chosen_key(profile, Flags()), Flags())
        key = KeyChoice(tuple(declared.key), free.evidence, free.misses)
        if asked.key and asked.key != key.pointers:
            key = chosen_key(profile, asked)
        elif set(free.pointers) != set(key.pointers):
            key = KeyChoice(key.pointers, "as declared", free.misses)
        if asked.version is not None:
            return chosen_version(profile, key, asked)
        version = Decision("version", declared.version, "as declared", "--version")
        return key, free_version if free_version.choice == declared.version else version

    def apply(self, found: Structure) -> None:
        """Give draft tables and columns the names and types that stay, and remove what is not adopted."""
        drafts = {table.path: table for table in found.tables}
        free = structure(self.profile.root, self.profile.documents, Flags(), self.identifying)
        reasons = {column.path: column for table in free.tables for column in table.columns}
        for known in self.existing.tables:
            if known.element_path not in self.released and known.path not in drafts:
                drafts[known.path] = self._missing_table(known, drafts)
            draft = drafts.get(known.path)
            if draft is not None:
                self._hold_table(draft, known, reasons)
        evidence = {table.path: table.reason for table in free.tables}
        for path, draft in drafts.items():
            draft.columns = [column for column in draft.columns if self._stays(column.path)]
            draft.reason = evidence.get(path, AS_BEFORE) if draft.reason == FLAGGED else draft.reason
        found.tables[:] = _in_order(self._needed(drafts))

    def _missing_table(self, known: KnownTable, drafts: dict[Names, DraftTable]) -> DraftTable:
        """Return the draft of a table that no document has elements for."""
        above = [table for table in drafts.values() if known.path[: len(table.element_path)] == table.element_path]
        parent = max(above, key=lambda table: len(table.element_path))
        pointer = known.path[len(parent.element_path) :]
        node = node_at(self.profile.root, known.element_path)
        rows = sum(node.kinds.values()) if node else 0
        return DraftTable(known.kind, known.path, pointer, rows, parent, reason=AS_BEFORE)

    def _hold_table(self, draft: DraftTable, known: KnownTable, reasons: dict[Names, DraftColumn]) -> None:
        if draft.kind == known.kind:
            draft.suffix, draft.own_key = known.suffix, known.own_key
        columns = {column.path: column for column in draft.columns}
        for path in known.others:
            if path not in columns:
                draft.columns.append(self._missing_column(path, draft, "text"))
        for column in known.columns:
            found = columns.get(column.path)
            if column.path in self.released:
                if found is not None:
                    found.name = column.name
                continue
            if found is None:
                found = self._missing_column(column.path, draft, column.type)
                draft.columns.append(found)
            found.name, found.wrapper = column.name, column.wrapper
            alike = found if found.reason != FLAGGED else reasons.get(column.path)
            is_alike = alike is not None and alike.type == column.type
            found.reason, found.flag = (alike.reason, alike.flag) if alike and is_alike else (AS_BEFORE, "")
            found.type = column.type

    def _missing_column(self, path: Names, draft: DraftTable, type_: str) -> DraftColumn:
        node = node_at(self.profile.root, path) or Node(parents=draft.rows)
        return DraftColumn(path[len(draft.element_path) :], path, node, type_, draft.rows, reason=AS_BEFORE)

    def _stays(self, path: Names) -> bool:
        """Return whether a column stays, or is adopted without being in the way of one that stays."""
        if path in self.existing.columns and path not in self.released:
            return True
        if path in self.others:
            return True
        is_computed = any(path in table.computed for table in self.existing.tables)
        return not is_computed and self.named.takes(path) and not self._is_in_the_way(path)

    def _is_in_the_way(self, path: Names) -> bool:
        held = [other for other in self.existing.columns if other not in self.released]
        return any(other[: len(path)] == path or path[: len(other)] == other for other in held)

    def _needed(self, drafts: dict[Names, DraftTable]) -> Iterator[DraftTable]:
        """Yield the tables that exist, have a column or are named themselves, and those above them."""
        known = {table.path for table in self.existing.tables if table.element_path not in self.released}
        needed = {path for path, draft in drafts.items() if path in known or draft.columns or self._is_asked(path)}
        for draft in drafts.values():
            if any(path == draft.path or path[: len(draft.element_path)] == draft.element_path for path in needed):
                yield draft

    def _is_asked(self, path: Names) -> bool:
        return self.named.takes(path) and not self._is_in_the_way(path)


def _in_order(tables: Iterator[DraftTable]) -> list[DraftTable]:
    """Return tables as `structure` lists them: a table, then those below it, by path."""
    return sorted(tables, key=lambda table: table.path)
