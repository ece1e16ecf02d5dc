"""Prints a proposal: the label's classes, the split, and a table of all columns with what each is used for and why."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ml.learning.labels import MIN_ROWS
from ml.proposing.features import Decision
from ml.proposing.labels import short
from ml.proposing.proposal import Proposal
from ml.proposing.values import MAX_ROWS
from waybill.cli import shown_command
from waybill.text import counted, shown

NAME_WIDTH, TYPE_WIDTH = 32, 16


def found_lines(proposal: Proposal) -> Iterator[str]:
    """Yield what was found and decided."""
    mart, label = proposal.mart, proposal.label
    yield f"marts.{mart.name}: {counted(mart.rows, 'row')}, key {', '.join(mart.key)}"
    if label.labelled > MAX_ROWS:
        yield f"leaks were looked for in {MAX_ROWS:,} of them, chosen by a hash of the key"
    kind = "binary" if len(label.classes) == 2 else counted(len(label.classes), "class", "classes")
    yield f"label {label.column.name}: {label.column.type}, {kind}: {label.balance}"
    if label.positive is not None:
        yield f"  positive: {short(label.positive)} ({label.reason})"
    if label.rare:
        yield f"  left out, because a class needs {sum(MIN_ROWS.values())} rows: {label.left_out}"
    if label.labelled < mart.rows:
        yield f"  {counted(mart.rows - label.labelled, 'row')} without a label: predicted, but not learnt from"
    yield f"split: {proposal.split.kind}"
    yield from (f"  {reason}" for reason in proposal.split.reasons)
    yield ""
    yield from _table(proposal)


def next_lines(proposal: Proposal) -> Iterator[str]:
    """Yield the commands that train, score and query."""
    name = proposal.asked.name
    yield "Next"
    yield f"  {shown_command(f'train --task {name}')}"
    yield f"  {shown_command(f'score --task {name}')}"
    column = "is_predicted_positive" if len(proposal.label.classes) == 2 else "predicted_label"
    question = f"select {column}, count(*) from predictions.{name} group by 1 order by 2 desc"
    yield f"  {shown_command(f'psql -c {shlex.quote(question)}')}"


def _table(proposal: Proposal) -> Iterator[str]:
    rows = [("column", "type", "missing", "values", "use", "why"), *map(_row, proposal.decisions)]
    names = min(max(len(row[0]) for row in rows), NAME_WIDTH)
    types = min(max(len(row[1]) for row in rows), TYPE_WIDTH)
    for name, type_, missing, values, use, why in rows:
        yield shown(f"  {name:<{names}}  {type_:<{types}}  {missing:>7}  {values:>9}  {use:<11}  {why}".rstrip())


def _row(decision: Decision) -> tuple[str, str, str, str, str, str]:
    column = decision.column
    missing = f"{column.missing / column.rows:.1%}" if column.missing else ""
    values = f"{column.distinct:,}" if column.kind not in ("json", "other") else ""
    short = column.type.replace(" without time zone", "").replace("timestamp with time zone", "timestamptz")
    return column.name, short, missing, values, decision.use, decision.reason
