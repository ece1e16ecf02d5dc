"""Keeps the comments of a declaration: the evidence of a decision that stays is what was seen when it was made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from loader.declarations import SOURCES, Source
from pipeline.modelling.design import Decision, Design
from waybill.text import shown

ONCE = ("layout", "rejects", "kinds", "repeats")  # decisions about the files that were read then
COUNTS = re.compile(r"(?:[\d,]+ (?:null|absent|\{\}|\[\])(?:, )?)+")
COMMENT = re.compile(r"#(?P<blanks> +)(?P<text>.*)")


def remembered(made: Design, declared: Source) -> Design:
    """Return a design whose decisions have the comments of the declaration, where both are the same."""
    text = (SOURCES / f"{declared.source}.yml").read_text(encoding="utf-8")
    comments = list(_comments(text))
    once = [
        Decision(about, comment.removeprefix(f"{about}: "), "")
        for about in ONCE
        for comment in comments
        if comment.startswith(f"{about}: ")
    ]
    fields = {"key": list(made.key) == declared.key, "version": made.version == declared.version}
    decisions: list[Decision] = []
    for decision in made.decisions:
        if decision.about not in ONCE and decision.about not in fields:
            decisions.append(_as_written(decision, comments))
    for about, is_same in fields.items():
        own = [decision for decision in made.decisions if decision.about == about]
        decisions += _above(text, about) if is_same else own
    merged = {path: what for path, what in made.merged}
    for comment in comments:
        path = next((path for path in merged if comment.startswith(f"{_plain(path)}: ")), None)
        counts = comment[len(_plain(path)) + 2 :] if path is not None else ""
        if path is not None and COUNTS.fullmatch(counts):
            merged[path] = counts
    return replace(made, decisions=(*once, *decisions), merged=tuple(merged.items()))


def _as_written(decision: Decision, comments: list[str]) -> Decision:
    """Return a decision with the text of its comment, if there is one that says the same."""
    about = "" if decision.about == "withdrawn_when" else f"{_plain(decision.about)}: "
    start = f"{about}{_plain(decision.choice)}"
    for comment in comments:
        if comment == start or comment.startswith((f"{start}: ", f"{start} (")):
            return Decision(decision.about, comment[len(about) :], "")
    return decision


def _plain(text: str) -> str:
    """Return a text as a comment on one line spells it: without what nobody sees, one blank between words."""
    return " ".join(shown(text).split())


def _comments(text: str) -> Iterator[str]:
    """Yield each comment on one line: a line that is indented continues the one before it."""
    current = ""
    for line in [*text.splitlines(), ""]:
        found = COMMENT.fullmatch(line)
        if found and len(found["blanks"]) > 1 and current:
            current += f" {found['text']}"
            continue
        if current:
            yield _plain(current)
        current = found["text"] if found else ""


def _above(text: str, field: str) -> list[Decision]:
    """Return the comments directly above a field, as decisions about it."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith(f"{field}:")), 0)
    start = end
    while start and lines[start - 1].startswith("# "):
        start -= 1
    return [Decision(field, comment, "") for comment in _comments("\n".join(lines[start:end]))]
