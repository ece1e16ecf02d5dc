"""Prints what `waybill adopt` leaves unchanged until a path is named, and which files use what changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pipeline.modelling.adopting.redesign import Redesign
from pipeline.modelling.adopting.uses import changed_columns, columns_of, use_lines
from pipeline.modelling.printing import titled_lines
from waybill.declared.adopting import adopt_command
from waybill.json_pointers import join_pointer

NOT_CHANGED = "Not changed, since a column or table would stop being what it is; these documents stay uncastable"


def changed_use_lines(found: Redesign, own: Collection[str]) -> Iterator[str]:
    """Yield the files outside of the source that use columns which go or change; `own` are the source's files."""
    lines = list(use_lines(found.after.source, own, changed_columns(found.before, found.after)))
    if lines:
        yield from titled_lines("Uses of what changes", lines)


def withheld_lines(found: Redesign, own: Collection[str]) -> Iterator[str]:
    """Yield what does not fit and stays, the command that changes it, and the files that use it."""
    places = {column.path: place for place, column in columns_of(found.before).items()}
    lines: list[str] = []
    for one in found.withheld:
        lines += [one.shown, f"    to change it: {adopt_command(found.after.source, one.path)}"]
        columns = [places[path] for path in map(join_pointer, one.columns) if path in places]
        lines += (f"    {line}" for line in use_lines(found.after.source, own, columns))
    if lines:
        yield from titled_lines(NOT_CHANGED, lines)
