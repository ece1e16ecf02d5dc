"""Checks the paths and types in the user's flags against what is in the documents, and sets the types."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.structure.drafts import DraftColumn
from pipeline.modelling.deciding.structure.tables import Structure
from pipeline.modelling.deciding.values.castable import TYPES, is_type, uncastable
from pipeline.modelling.deciding.values.types import kinds_of
from pipeline.modelling.design import JSON
from pipeline.modelling.flags import Flags
from waybill.json_pointers import join_pointer


def check_paths(found: Structure, flags: Flags) -> None:
    """Raise an error for the first flag that names a path that is not there, or not what the flag is about."""
    columns = {path for table in found.tables for column in table.columns for path in paths_of(column)}
    tables = {table.path_text for table in found.tables[1:]}
    _check("--json", flags.json, set(found.nodes), "path")
    _check("--leave-out", flags.left_out, set(found.nodes), "path")
    _check("--map", flags.maps, set(found.nodes), "path")
    _check("--table", flags.tables, tables, "array or map with a table")
    _check("--column", flags.columns, columns, "column")
    _check("--type", flags.types, columns, "column")
    for path in flags.maps:
        if "object" not in kinds_of(found.nodes[path]):
            kinds = " and ".join(sorted(kinds_of(found.nodes[path]))) or "null"
            raise ModellingRefused(f"--map {path}: only objects are maps, and the values there are {kinds}")
    for names in sorted(found.kept):
        above = [join_pointer(names[:end]) for end in range(1, len(names) + 1)]
        as_json = [*flags.json, *(path for path, type_ in flags.types.items() if type_ == JSON)]
        for flag, paths in (("--leave-out", flags.left_out), ("--json", as_json), ("--map", flags.maps)):
            wrong = next((path for path in above if path in paths), None)
            if wrong:
                raise ModellingRefused(f"{flag} {wrong}: {above[-1]} is key or version; choose another one first")


def paths_of(column: DraftColumn) -> tuple[str, ...]:
    """Return the paths by which a user can name a column: with and without the member of an export wrapper."""
    return tuple(dict.fromkeys((column.path_text, join_pointer(column.field))))


def _check(flag: str, paths: Iterable[str], known: set[str], what: str) -> None:
    for path in paths:
        if path not in known:
            close = get_close_matches(path, sorted(known), n=3, cutoff=0.6)
            advice = f"did you mean {' or '.join(close)}?" if close else "`*` names the elements of an array or map"
            raise ModellingRefused(f"{flag} {path}: the documents have no such {what}; {advice}")


def apply_types(found: Structure, flags: Flags) -> None:
    """Set the types that the user chose.

    Raises:
        ModellingRefused: staging has no such type, or values would be uncastable.
    """
    for table in found.tables:
        for column in table.columns:
            chosen = next((flags.types[path] for path in paths_of(column) if path in flags.types), None)
            if chosen is None or chosen == JSON:
                continue
            _check_type(column, chosen)
            column.type, column.reason, column.flag = chosen, "as the flag says", ""


def _check_type(column: DraftColumn, chosen: str) -> None:
    flag = f"--type {column.path_text}={chosen}"
    if not is_type(chosen):
        types = ", ".join(sorted({*TYPES, JSON}))
        raise ModellingRefused(f"{flag}: the types are {types}, and timestamptz in ZONE, such as Europe/Paris")
    wrong = uncastable(column.node, chosen)
    if wrong:
        raise ModellingRefused(
            f"{flag}: at least {wrong:,} of {column.present:,} values cannot be cast, so their documents would be "
            f"uncastable; choose another type, or {JSON} to keep them"
        )
