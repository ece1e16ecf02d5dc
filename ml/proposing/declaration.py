"""Writes a proposal as the text of `ml/tasks/NAME.yml`, with the reason for each part as a comment."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ml.learning.labels import MIN_ROWS
from ml.proposing.features import Decision
from ml.proposing.proposal import Proposal
from waybill.declared.yaml_files import dumped
from waybill.text import counted, shown

WIDTH = 120
ONE_LINE = 10**9
THRESHOLD = 0.5


def declaration(proposal: Proposal, command: str) -> str:
    """Return the text of the declaration; `command` is how it was proposed."""
    asked, mart, label = proposal.asked, proposal.mart, proposal.label
    lines = [
        *_comment(f"Predicts {label.column.name} of marts.{mart.name}. Proposed by `{command}` from "
            f"{mart.rows:,} rows; it is yours, so change what you know better."),
        f"task: {asked.name}",
        f"table: {mart.name}",
        f"key: {_key(mart.key)}",
        *_comment(f"{label.labelled:,} of {mart.rows:,} rows have a label: {label.balance}"),
        f"label: {_scalar(label.column.name)}",
        *_positive(proposal),
        *_rare(proposal),
        *_split(proposal),
        f"seed: {proposal.split.seed}",
        *([f"threshold: {THRESHOLD}"] if label.positive is not None else []),
        *_features(proposal, "categorical"),
        *_features(proposal, "numeric"),
        *_left_out(proposal),
        *_comment(f"Each with the parameters of its scikit-learn estimator, for {label.labelled:,} rows."),
        "candidates:",
        *(f"  {name}: {_parameters(given)}" for name, given in proposal.candidates.items()),
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _positive(proposal: Proposal) -> Iterator[str]:
    label = proposal.label
    if label.positive is None:
        return
    if label.column.kind == "boolean":
        yield f"positive_label: {_scalar(label.column.name.removeprefix('is_'))} # what a true label is called"
        return
    is_text = label.column.kind == "text"
    yield f"positive_label: {_scalar(label.positive[:60].strip() or 'positive')} # what the positive class is called"
    yield f"positive_value: {_scalar(label.positive) if is_text else label.positive} # {label.reason}"


def _rare(proposal: Proposal) -> Iterator[str]:
    if rare := proposal.label.rare:  # few have such a value: they are printed, and not written
        fewer = f"{counted(len(rare), 'class has', 'classes have')} fewer: their rows count as unlabelled"
        yield from _comment(f"A class needs {sum(MIN_ROWS.values())} rows; {fewer}")
        yield "rare_classes: leave_out"


def _split(proposal: Proposal) -> Iterator[str]:
    split = proposal.split
    for reason in split.reasons:
        yield from _comment(reason)
    if split.kind == "random":
        yield "split: {} # at random, by a hash of the key, each class in the same shares"
    elif split.kind == "group":
        yield f"split: {{group_column: {_scalar(str(split.column))}}}"
    else:
        yield "split: # the first days of validation and of test; all days before are for training"
        yield f"  time_column: {_scalar(str(split.column))}"
        yield f"  validation_from: {split.validation_from}"
        yield f"  test_from: {split.test_from}"


def _features(proposal: Proposal, use: str) -> Iterator[str]:
    found = proposal.features(use)
    yield f"{use}:" if found else f"{use}: []"
    yield from (f"  - {_scalar(one.column.name)} # {_facts(one)}" for one in found)


def _left_out(proposal: Proposal) -> Iterator[str]:
    found = [one for one in proposal.decisions if one.use == "left out" and not one.column.name.startswith("_")]
    if found:
        yield "# Left out; a column that is known before the label is can be moved up:"
    for one in found:
        yield from _comment(f"  {one.column.name}: {one.reason}")


def _facts(decision: Decision) -> str:
    missing = f", {decision.column.missing / decision.column.rows:.1%} missing" if decision.column.missing else ""
    return shown(f"{decision.column.type}, {decision.reason}{missing}")


def _key(columns: tuple[str, ...]) -> str:
    return _scalar(columns[0]) if len(columns) == 1 else f"[{', '.join(map(_scalar, columns))}]"


def _parameters(given: Mapping[str, Any]) -> str:
    return f"{{{', '.join(f'{name}: {json.dumps(value)}' for name, value in given.items())}}}"


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back, in quotes only if it needs them."""
    spelled = dumped(text, width=ONE_LINE).removesuffix("\n").removesuffix("\n...")
    if "\n" in spelled:
        spelled = yaml.safe_dump(text, allow_unicode=True, width=ONE_LINE, default_style='"').removesuffix("\n")
    return spelled


def _comment(text: str) -> Iterator[str]:
    indent = text[: len(text) - len(text.lstrip())]
    yield from textwrap.wrap(
        shown(text.strip()), WIDTH, initial_indent=f"# {indent}", subsequent_indent=f"# {indent}  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
