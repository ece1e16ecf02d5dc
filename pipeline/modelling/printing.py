"""Prints what `waybill new` found and decided, in lines of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.modelling.design import Column, Decision, Design, Table
from pipeline.modelling.profiling.profile import FileProfile, Profile
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
    if profile.left_alone:
        yield from _wrapped(profile.left_alone, "  ", "      ")


def decided_lines(design: Design) -> Iterator[str]:
    """Yield the decisions with their evidence and the flags that change them: those about tables and columns below."""
    paths = {path for table in design.tables for path in (table.path, *(column.path for column in table.columns))}
    by_path: dict[str, list[Decision]] = defaultdict(list)
    for decision in design.decisions:
        if decision.about in paths:
            by_path[decision.about].append(decision)
    yield ""
    yield "Decisions"
    for decision in design.decisions:
        if decision.about not in by_path:
            yield from _wrapped(f"{decision.about}: {decision.choice}", "  ", "      ")
            yield from _evidence_lines(decision, "      ")
    yield ""
    yield "Tables"
    for table in design.tables:
        yield from _table_lines(design, table, by_path)
    if design.merged:
        yield from titled_lines("Different in the documents, equal in the marts (null)", _pairs(design.merged))
    if design.left_out:
        yield from titled_lines("Left out", _pairs(design.left_out))


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
    parts = [part for part in (": ".join(filter(None, (choice, decision.evidence))), flag) if part]
    line = "; ".join(parts)
    lines = [line] if len(indent) + len(shown(line)) <= WIDTH else parts  # a flag is easier to copy from one line
    return [wrapped for part in lines for wrapped in _wrapped(part, indent, indent)]


def _table_lines(design: Design, table: Table, by_path: Mapping[str, Sequence[Decision]]) -> Iterator[str]:
    key = ", ".join(design.primary_key(table))
    grain = "one row per document" if table.kind == "document" else f"one row per {_element(table)} of {table.path}"
    name = f"marts.{design.mart(table)}"
    yield from _wrapped(f"{name}: {counted(table.rows, 'row')}, {grain}; primary key {key}", "  ", "      ")
    if table.kind != "document":
        for decision in by_path.get(table.path, ()):
            yield from _evidence_lines(decision, "      ")
    widths = [max((len(text) for text in texts), default=0) for texts in _names_and_types(table)]
    for column in table.columns:
        missing = f", {column.missing:,} of {column.rows:,} null" if column.missing else ""
        line = f"{column.name:<{min(widths[0], 32)}}  {column.type:<{min(widths[1], 16)}}  {column.path}{missing}"
        yield from _described(line, column, by_path.get(column.path, ()))


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
