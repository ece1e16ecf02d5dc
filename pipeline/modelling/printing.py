"""Prints what `waybill new` found and decided, in lines of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

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


def decided_lines(design: Design) -> Iterator[str]:
    """Yield the decisions with their evidence and the flags that change them, then the tables with their columns."""
    yield ""
    yield "Decisions"
    for decision in design.decisions:
        yield from _decision_lines(decision)
    yield ""
    yield "Tables"
    for table in design.tables:
        yield from _table_lines(design, table)
    if design.merged:
        yield ""
        yield "Different in the documents, equal in the marts (null)"
        yield from _pairs(design.merged)
    if design.left_out:
        yield ""
        yield "Left out"
        yield from _pairs(design.left_out)


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


def _decision_lines(decision: Decision) -> Iterator[str]:
    yield from _wrapped(f"{decision.about}: {decision.choice}", "  ", "      ")
    flag = f"; change it with {decision.flag}" if decision.flag else ""
    if decision.evidence or flag:
        yield from _wrapped(f"{decision.evidence}{flag}".removeprefix("; "), "      ", "      ")


def _table_lines(design: Design, table: Table) -> Iterator[str]:
    key = ", ".join(design.primary_key(table))
    grain = "one row per document" if table.kind == "document" else f"one row per {_element(table)} of {table.path}"
    yield from _wrapped(
        f"marts.{design.mart(table)}: {counted(table.rows, 'row')}, {grain}; primary key {key}", "  ", "      "
    )
    width = min(max((len(column.name) for column in table.columns), default=0), 32)
    for column in table.columns:
        yield from _wrapped(_column_line(column, width), "    ", "        ")


def _element(table: Table) -> str:
    return "member" if table.kind == "map" else "element"


def _column_line(column: Column, width: int) -> str:
    missing = f", {column.missing:,} of {column.rows:,} null" if column.missing else ""
    return f"{column.name:<{width}}  {column.type}  {column.path}{missing}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    for path, what in pairs[:MAX_SHOWN]:
        yield from _wrapped(f"{path}: {what}", "  ", "      ")
    if len(pairs) > MAX_SHOWN:
        yield f"  and {counted(len(pairs) - MAX_SHOWN, 'more path')}, listed in the declaration"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Wrap a text from outside at blanks; a path that is longer than a line stays whole."""
    return textwrap.wrap(
        shown(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [first]
