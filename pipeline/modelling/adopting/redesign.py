"""Makes the design of a source that is modelled already twice: unchanged, and with what is adopted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.modelling.adopting.comments import remembered
from pipeline.modelling.adopting.conflicts import node_at
from pipeline.modelling.adopting.existing import Existing, KnownColumn
from pipeline.modelling.adopting.holding import Holding
from pipeline.modelling.adopting.named import NOTHING, Named
from pipeline.modelling.adopting.withheld import Withheld
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.references.detection import REFERS_TO, reference_decision, with_references
from pipeline.modelling.deciding.references.keyed_marts import KeyedMart
from pipeline.modelling.deciding.references.values import ReadValues
from pipeline.modelling.deciding.values.observed import MAX_NUMBERS, MAX_TEXT_LENGTH, MAX_TEXTS
from pipeline.modelling.design import Column, Design, Reference
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Node, Profile
from waybill.json_pointers import join_pointer, split_pointer


@dataclass(frozen=True)
class Redesign:
    """`before` is the design of what exists, `after` the one with what is adopted; both from the same documents.

    `withheld` is what does not fit, but changes only if the user names it.
    """

    before: Design
    after: Design
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Landed:
    """What has landed, and what its columns can refer to."""

    profile: Profile
    marts: list[KeyedMart]
    read: ReadValues


def redesign(existing: Existing, landed: Landed, named: Named, flags: Flags) -> Redesign:
    """Return both designs.

    Raises:
        ModellingRefused: a flag does not fit the documents.
    """
    same = Flags(is_dimension=existing.is_dimension)
    kept = _kept(existing, flags)
    named = replace(named, kept=frozenset(kept.values()))
    types = {path: type_ for path, type_ in flags.types.items() if path not in kept}
    asked = replace(flags, types=types, is_dimension=existing.is_dimension)
    before = _designed(existing, landed.profile, NOTHING, same)
    after = with_references(
        _designed(existing, landed.profile, named, asked), landed.profile, landed.marts, landed.read
    )
    found = {column.path: column.reference for table in after.tables for column in table.columns if column.reference}
    return Redesign(
        remembered(_referring(before, existing, found, NOTHING), existing.declared),
        remembered(_referring(after, existing, found, named), existing.declared),
        tuple(Holding(existing, landed.profile, named).withheld),
    )


def _kept(existing: Existing, flags: Flags) -> dict[str, Names]:
    """Return the paths for which a flag says the type that the column has, with the column's own path."""
    own = {
        join_pointer(names): column
        for column in existing.columns.values()
        for names in (column.path, column.path[: len(column.path) - len(column.wrapper)])
    }
    others = {*flags.json, *flags.maps, *flags.tables, *flags.columns, *flags.left_out}
    return {
        path: own[path].path
        for path, type_ in flags.types.items()
        if path in own and own[path].type == type_ and path not in others
    }


def _designed(existing: Existing, profile: Profile, named: Named, flags: Flags) -> Design:
    declared = existing.declared
    held = Holding(existing, profile, named)
    made = design(profile, declared.source, flags, held)
    withdrawal = declared.withdrawn_when
    tables = tuple(
        replace(table, columns=tuple(_with_values(column, existing, profile, named) for column in table.columns))
        for table in made.tables
    )
    return replace(
        made,
        tables=tables,
        files=tuple(declared.files),
        withdrawn_when=(withdrawal.field, tuple(withdrawal.values)) if withdrawal else None,
    )


def _with_values(column: Column, existing: Existing, profile: Profile, named: Named) -> Column:
    """Return a column with the values that its tests accept: the known ones, or with those that are new."""
    path = tuple(split_pointer(column.path))
    known = existing.columns.get(path)
    if known is None or column.others or column.type not in ("text", "integer"):
        return column
    is_again = named.is_all or named.redecides(path, is_column=True)
    node = node_at(profile.root, path) or Node()
    counts = _counts(node)
    if not is_again:
        return replace(column, values=tuple((value, counts.get(value, 0)) for value in known.values))
    return replace(column, values=_still_few(known, column, counts) or column.values) if known.values else column


def _counts(node: Node) -> dict[str, int]:
    """Return the values at a node as tests name them, with their counts; none if there are too many."""
    found: dict[str, int] = {}
    for text, count in (node.distinct or {}).items():
        value = json.loads(text)
        if value is not None and not isinstance(value, bool):
            name = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            found[name] = found.get(name, 0) + count
    return found


def _still_few(known: KnownColumn, column: Column, counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the known and the new values of an enumeration; none if there are too many by now."""
    most = MAX_TEXTS if column.type == "text" else MAX_NUMBERS
    values = {*known.values, *counts}
    if not counts or len(values) > most or any(len(value) > MAX_TEXT_LENGTH for value in values):
        return ()
    ordered = sorted(values) if column.type == "text" else sorted(values, key=int)
    return tuple((value, counts.get(value, 0)) for value in ordered)


def _referring(made: Design, existing: Existing, found: Mapping[str, Reference], named: Named) -> Design:
    """Return a design in which columns that exist keep their references, unless they are named."""

    def reference(column: Column) -> Reference | None:
        path = tuple(split_pointer(column.path))
        known, seen = existing.columns.get(path), found.get(column.path)
        if known is None or column.others or named.redecides(path, is_column=True):
            return seen
        return seen if seen and known.reference and seen.mart == known.reference.mart else known.reference

    tables = tuple(
        replace(table, columns=tuple(replace(column, reference=reference(column)) for column in table.columns))
        for table in made.tables
    )
    references = {column.path: column.reference for table in tables for column in table.columns if column.reference}
    decisions = [decision for decision in made.decisions if not decision.choice.startswith(REFERS_TO)]
    decisions += [
        reference_decision(path, one, is_counted=one == found.get(path)) for path, one in sorted(references.items())
    ]
    return replace(made, tables=tables, decisions=tuple(decisions))
