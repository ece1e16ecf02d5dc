"""Lists the decisions of a design, each with its evidence and what changes it, in the order of reading."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.modelling.deciding.keys.candidates import KeyChoice, miss_text
from pipeline.modelling.deciding.keys.versions import withdrawal_hint
from pipeline.modelling.deciding.layouts import layout_evidence
from pipeline.modelling.deciding.naming.names import MAX_BYTES, allowed_name, joined_name
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.deciding.structure.tables import Structure
from pipeline.modelling.deciding.values.epochs import epoch_hint
from pipeline.modelling.design import JSON, Decision
from pipeline.modelling.profiling.profile import OtherKinds, Profile
from waybill.json_pointers import ANY
from waybill.text import counted

DIGITS = re.compile("_[0-9a-f]{6}$")


def decisions(profile: Profile, found: Structure, key: KeyChoice, version: Decision) -> Iterator[Decision]:
    """Yield what was decided. The types that nobody would change are the evidence of their columns."""
    for layout, evidence in layout_evidence(profile.files):
        yield Decision("layout", layout, evidence, "--layout")
    rejected = sum(file.rejected for file in profile.files)
    if rejected:
        first = next(file for file in profile.files if file.first_reject)
        yield Decision(
            "rejects", f"{counted(rejected, 'document')} cannot be landed", f"the first: {first.first_reject}"
        )
    if profile.other_kinds:
        yield _of_kinds(profile.other_kinds)
    if profile.repeated:
        yield Decision(
            "repeats", counted(profile.repeated, "document"), "equal to an earlier one as a whole: duplicates"
        )
    yield Decision("key", " + ".join(key.pointers), key.evidence, "--key")
    for miss in key.misses[:5]:
        examples = ", ".join(f"{value} {count} times" for value, count in miss.examples[:3])
        yield Decision("key", "not chosen", miss_text(miss), "--key", examples)
    yield version
    hint = withdrawal_hint(profile)
    if hint:
        yield hint
    for table in found.tables:
        if table.parent:
            yield Decision(table.path_text, f"table {table.suffix}", f"{table.kind}: {table.reason}", table.flag)
            renamed = _table_name_reason(table)
            if renamed:
                yield Decision(table.path_text, f"name {table.suffix}", renamed, f"--table {table.path_text}=NAME")
        yield from _of_columns(table)


def _of_kinds(kinds: OtherKinds) -> Decision:
    """Return what is known of documents that share few fields: they would be better models as several sources."""
    if kinds.pointer is None:
        return Decision("kinds", f"{kinds.kinds} kinds of documents in one source", "they share few fields")
    values = ", ".join(f"{count:,} times {value}" for value, count in kinds.values[:5])
    evidence = f"{kinds.pointer} distinguishes them"
    choice = f"{kinds.kinds} kinds of documents in one source"
    return Decision("kinds", choice, evidence, "one source for each kind", values)


def _table_name_reason(table: DraftTable) -> str | None:
    """Return the rule that gave a table's name digits; None if the name is its path in snake_case, or the user's."""
    plain = joined_name(name for name in table.path if name != ANY)
    if table.suffix == plain or not DIGITS.search(table.suffix) or not plain.startswith(table.suffix[:-7]):
        return None
    if table.suffix[:-7] == plain:
        return f"another table is named {plain}, too; the digits are of the path's SHA-256"
    return f"its path makes a name of {len(plain)} bytes, cut with digits of the path's SHA-256"


def _of_columns(table: DraftTable) -> Iterator[Decision]:
    for column in table.columns:
        if column.flag or column.type == JSON:
            yield Decision(column.path_text, f"{column.name} {column.type}", column.reason, column.flag)
        renamed = _name_reason(column, table)
        if renamed:
            yield Decision(column.path_text, f"name {column.name}", renamed, f"--column {column.path_text}=NAME")
        hint = epoch_hint(column)
        if hint:
            yield hint


def _name_reason(column: DraftColumn, table: DraftTable) -> str | None:
    """Return the rule that made a column's name; None if it is simply its path in snake_case."""
    names = column.field[len(table.element_path) :]
    plain = joined_name(names) if names else column.name
    allowed = allowed_name(plain)
    if column.name == plain:
        return None
    if column.name == allowed:
        return "a name must not begin with a digit" if plain[0].isdigit() else f"{plain} is reserved"
    if len(allowed) > MAX_BYTES:
        return f"its path makes a name of {len(allowed)} bytes, cut to {MAX_BYTES} with digits of the path's SHA-256"
    if column.name.endswith(allowed):
        return f"{allowed} is the name of a key column of this table"
    return f"another field is named {allowed}, too; the digits are of the path's SHA-256"
