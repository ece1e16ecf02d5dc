"""Prints what `waybill new` found and decided, in lines of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.modelling.design import Column, Decision, Design, Table
from pipeline.modelling.profiling.profile import FileProfile, Profile
from waybill.cli import shown_command
from waybill.text import counted, shown

WIDTH = 100
MAX_SHOWN = 10  # files and columns of one kind that are listed one by one; the declaration lists all


def found_lines(design: Design, profile: Profile) -> Iterator[str]:
    """Yield what was read: documents and files."""
    repeated = f", {profile.repeated:,} of them equal to an earlier one" if profile.repeated else ""
    files = counted(len(profile.files), "file")
    yield f"{design.source}: {counted(profile.documents, 'document')} in {files}{repeated}"
    yield ""
    yield "Files"
    for file in profile.files[:MAX_SHOWN]:
        yield from _wrapped(_file_line(file), "  ", "      ")
    if len(profile.files) > MAX_SHOWN:
        yield f"  and {counted(len(profile.files) - MAX_SHOWN, 'more file')}"
    for entry in design.files:
        if entry.captures_date:
            yield f"  {entry.pattern}: `waybill load --from DATE --to DATE` compares the date"
    if profile.left_alone:
        yield from _wrapped(profile.left_alone, "  ", "      ")


def changed_lines(before: Design, after: Design) -> Iterator[str]:
    """Yield what a design changes of one before it: decisions, tables and columns that are new, and what goes."""
    new = [decision for decision in after.decisions if decision not in before.decisions]
    known = {column.path: column for table in before.tables for column in table.columns}
    seen = {decision.about for decision in new}
    tables = []
    for table in after.tables:
        changed = [one for one in table.columns if one.path in seen or _shape(one) != _shape(known.get(one.path))]
        if changed or all(table.path != one.path for one in before.tables):
            tables.append(replace(table, columns=tuple(changed)))
    yield f"{after.source}: {counted(after.documents, 'document')} landed"
    keys = {table.suffix: after.primary_key(table) for table in after.tables}
    yield from _decision_lines(replace(after, tables=tuple(tables), decisions=tuple(new)), keys)
    left_out = [entry for entry in after.left_out if entry not in before.left_out]
    if left_out:
        yield from titled_lines("Left out", _pairs(left_out))
    paths = {column.path for table in after.tables for column in table.columns}
    gone = [f"{column.name} ({path})" for path, column in known.items() if path not in paths]
    if gone:
        yield from titled_lines("No columns any more", gone)


def _shape(column: Column | None) -> tuple[object, ...]:
    """Return what a user sees of a column in the models, without the figures."""
    if column is None:
        return ()
    return column.name, column.type, [value for value, _ in column.values], column.reference, column.others


def decided_lines(design: Design) -> Iterator[str]:
    """Yield the decisions with their evidence and the flags that change them: those about tables and columns below."""
    yield from _decision_lines(design, {table.suffix: design.primary_key(table) for table in design.tables})
    if design.merged:
        yield from titled_lines("Different in the documents, equal in the marts (null)", _pairs(design.merged))
    if design.left_out:
        yield from titled_lines("Left out", _pairs(design.left_out))


def _decision_lines(design: Design, keys: Mapping[str, Sequence[str]]) -> Iterator[str]:
    paths = {path for table in design.tables for path in (table.path, *(column.path for column in table.columns))}
    by_path: dict[str, list[Decision]] = defaultdict(list)
    for decision in design.decisions:
        if decision.about in paths:
            by_path[decision.about].append(decision)
    others = [decision for decision in design.decisions if decision.about not in by_path]
    if others:
        yield ""
        yield "Decisions"
    for decision in others:
        yield from _wrapped(f"{decision.about}: {decision.choice}", "  ", "      ")
        yield from _evidence_lines(decision, "      ")
    if design.tables:
        yield ""
        yield "Tables"
    for table in design.tables:
        yield from _table_lines(design, ", ".join(keys[table.suffix]), table, by_path)


def no_pattern_lines(source: str) -> Iterator[str]:
    """Yield what to do so that `waybill load` finds files of a source that was modelled from what has landed."""
    yield ""
    load = shown_command(f"load {source}")
    yield f"No file patterns: for `{load}` without files, add to loader/sources/{source}.yml, for example:"
    yield f'  files: [{{pattern: "{source}/*.ndjson", layout: ndjson}}]'


def titled_lines(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield an empty line, a title and the lines below it, which are not wrapped: they are paths and commands."""
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


def _file_line(file: FileProfile) -> str:
    layout = f"records at {file.records_at or 'the top'}" if file.layout == "records" else file.layout
    line = f"{file.name}: {counted(file.documents, 'document')}, {layout}"
    if not file.rejected:
        return line
    first = f" (first: {file.first_reject})" if file.first_reject else ""
    return f"{line}; {counted(file.rejected, 'document')} cannot be landed{first}"


def _evidence_lines(decision: Decision, indent: str, choice: str = "") -> list[str]:
    flag = f"change it with {decision.flag}" if decision.flag.startswith("--") else decision.flag
    evidence = f"{decision.evidence} ({decision.examples})" if decision.examples else decision.evidence
    parts = [part for part in (": ".join(filter(None, (choice, evidence))), flag) if part]
    line = "; ".join(parts)
    lines = [line] if len(indent) + len(shown(line)) <= WIDTH else parts  # a flag is easier to copy from one line
    return [wrapped for part in lines for wrapped in _wrapped(part, indent, indent)]


def _table_lines(design: Design, key: str, table: Table, by_path: Mapping[str, Sequence[Decision]]) -> Iterator[str]:
    name = f"marts.{design.mart(table)}"
    yield from _wrapped(f"{name}: {_size_and_grain(design, table)}; primary key {key}", "  ", "      ")
    if table.kind != "document":
        for decision in by_path.get(table.path, ()):
            yield from _evidence_lines(decision, "      ")
    widths = [max((len(text) for text in texts), default=0) for texts in _names_and_types(table)]
    for column in table.columns:
        missing = f", {column.missing:,} of {column.rows:,} null" if column.missing else ""
        line = f"{column.name:<{min(widths[0], 32)}}  {column.type:<{min(widths[1], 16)}}  {column.path}{missing}"
        yield from _described(line, column, by_path.get(column.path, ()))


def _size_and_grain(design: Design, table: Table) -> str:
    """Return how many rows a mart will have, and what a row is; where keys repeat, what the documents have instead."""
    element, is_child = _element(table), table.kind != "document"
    grain = f"one row per {element} of {table.path}" if is_child else "one row per document"
    if design.different_keys == design.documents:
        return f"{counted(table.rows, 'row')}, {grain}"
    if is_child:
        return f"{counted(table.rows, element)} in all documents, {grain} in current ones"
    keys = "" if design.different_keys is None else f" with {counted(design.different_keys, 'different key')}"
    return f"{counted(design.documents, 'document')}{keys}, one row per key"


def _described(line: str, column: Column, decisions: Sequence[Decision]) -> Iterator[str]:
    """Yield a column's line, then the decisions about it; without one about its type, the evidence of the type."""
    own = f"{column.name} {column.type}"
    evidence: list[str] = []
    if column.evidence and all(decision.choice != own for decision in decisions):
        line, evidence = _joined(line, column.evidence)
    yield from _wrapped(line, "    ", "        ")
    yield from evidence
    for decision in decisions:
        is_plain = decision.choice in (own, f"name {column.name}")
        yield from _evidence_lines(decision, "        ", "" if is_plain else decision.choice)


def _joined(line: str, evidence: str) -> tuple[str, list[str]]:
    """Return a line with the evidence at its end if there is room, else the evidence in lines below."""
    joined = f"{line}: {evidence}"
    is_short = len(shown(joined)) + 4 <= WIDTH
    return (joined, []) if is_short else (line, _wrapped(evidence, "        ", "        "))


def _names_and_types(table: Table) -> tuple[list[str], list[str]]:
    return [column.name for column in table.columns], [column.type for column in table.columns]


def _element(table: Table) -> str:
    return "member" if table.kind == "map" else "element"


def _pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    for path, what in pairs[:MAX_SHOWN]:
        yield from _wrapped(f"{path}: {what}", "", "    ")
    if len(pairs) > MAX_SHOWN:
        yield f"and {counted(len(pairs) - MAX_SHOWN, 'more path')}, listed in the declaration"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Wrap a text from outside at blanks; a path that is longer than a line stays whole."""
    return textwrap.wrap(
        shown(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
