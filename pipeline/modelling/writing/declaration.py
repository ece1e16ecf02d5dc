"""Writes the declaration of a source for the loader and dbt; comments say what was decided and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loader.declarations import FilePattern
from loader.declared_types import VALUE
from pipeline.modelling.design import Column, Decision, Design, Table
from pipeline.modelling.writing.yaml_text import WIDTH, comment, flow, quoted, scalar

HEAD = "Made by `waybill new {source}`. It is yours now: after a change, run `waybill sources --write`."
CARRIED = (
    "Which column of which mart holds the values at which path; `*` is each element of an array or member of a map."
)
LEFT_OUT = "Paths that no mart holds, and why."
DECISIONS = "What `waybill new` decided, with the evidence; in brackets, the flag that decides otherwise."
MERGED = "What is null in the marts and different in the documents:"
AT_FIELDS = ("key", "version", "withdrawn_when")  # decisions about them are beside them


def files(design: Design) -> dict[str, str]:
    """Return the declaration by its path in the project."""
    return {f"loader/sources/{design.source}.yml": declaration(design)}


def declaration(design: Design) -> str:
    """Return the text of the declaration."""
    lines = [
        *comment(HEAD.format(source=design.source), below=""),
        f"source: {design.source}",
        f"description: {quoted(design.description)}",
        f"contract: {design.source}.schema.json",
        f"topic: {design.source}",
        *_decisions(design, "key"),
        f"key: {VALUE if design.key == (VALUE,) else flow(design.key)}",
        *_decisions(design, "version"),
        f"version: {scalar(design.version)}",
        *_decisions(design, "withdrawn_when"),
        *_withdrawal(design),
        *_files(design.files),
        *_carried(design),
        *_left_out(design),
        *_other_decisions(design),
        *_merged(design),
    ]
    return "\n".join(lines) + "\n"


def _decisions(design: Design, about: str) -> Iterator[str]:
    for decision in design.decisions:
        if decision.about == about:
            yield from comment(_sentence(decision))


def _sentence(decision: Decision) -> str:
    evidence = f": {decision.evidence}" if decision.evidence else ""
    return f"{decision.choice}{evidence}{f' ({decision.flag})' if decision.flag else ''}"


def _withdrawal(design: Design) -> Iterator[str]:
    if design.withdrawn_when:
        field, values = design.withdrawn_when
        yield f"withdrawn_when: {{{scalar(field)}: [{', '.join(map(quoted, values))}]}}"


def _files(patterns: Iterable[FilePattern]) -> Iterator[str]:
    for number, entry in enumerate(patterns):
        if not number:
            yield "files:"
        at = f", records_at: {scalar(entry.records_at)}" if entry.records_at is not None else ""
        yield f"  - {{pattern: {quoted(entry.pattern)}, layout: {entry.layout}{at}}}"


def _carried(design: Design) -> Iterator[str]:
    yield from comment(CARRIED)
    yield "carried:"
    for table in design.tables:
        yield f"  {design.mart(table)}:{'' if table.own_key or table.columns else ' {}'}"
        if table.own_key:
            role = "number_of" if table.kind == "array" else "name_of"
            yield f"    {scalar(table.own_key)}: {{{role}: {scalar(table.element_path)}}}"
        for column in table.columns:
            yield from _carried_column(table, column)


def _carried_column(table: Table, column: Column) -> Iterator[str]:
    name = scalar(column.name)
    if not column.others:
        yield f"    {name}: {scalar(column.path)}"
        return
    members = [f"{table.element_path}{pointer}" for pointer in column.others]
    line = f"    {name}: {{members: {flow(members)}}}"
    if len(line) <= WIDTH:
        yield line
        return
    yield from (f"    {name}:", "      members:")
    yield from (f"        - {scalar(member)}" for member in members)


def _left_out(design: Design) -> Iterator[str]:
    if not design.left_out:
        return
    yield from comment(LEFT_OUT)
    yield "left_out:"
    yield from (f"  {scalar(path)}: {quoted(reason)}" for path, reason in design.left_out)


def _other_decisions(design: Design) -> Iterator[str]:
    others = [decision for decision in design.decisions if decision.about not in AT_FIELDS]
    if others:
        yield from ("", *comment(DECISIONS, below=""))
        for decision in others:
            yield from comment(f"{decision.about}: {_sentence(decision)}", below="    ")


def _merged(design: Design) -> Iterator[str]:
    if design.merged:
        yield from ("", *comment(MERGED, below=""))
        for path, what in design.merged:
            yield from comment(f"{path}: {what}", below="    ")
