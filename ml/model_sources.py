"""Finds from which sources dbt would make a table of schema `marts`, by the names in the SQL of its model."""

from __future__ import annotations

import re

from waybill.settings import PROJECT

MODELS = PROJECT / "dbt_project" / "models"
QUOTED = re.compile(r"'([a-z][a-z0-9_]*)'")
SOURCE = re.compile(r"\bsource\(\s*'raw'\s*,\s*'([a-z][a-z0-9_]*)'\s*\)")


def has_model(table: str) -> bool:
    """Return whether dbt has a model of this name among the marts."""
    return any((MODELS / "marts").rglob(f"{table}.sql"))


def possible_sources(table: str) -> set[str]:
    """Return names among which are all sources that a model is made from, directly or by other models.

    A staging model may give its source to a macro, so every name in quotes there counts: some are of no source.
    """
    files = {path.stem: path for path in MODELS.rglob("*.sql")}
    found: set[str] = set()
    seen, waiting = {table}, [table]
    while waiting:
        path = files[waiting.pop()]
        text = path.read_text(encoding="utf-8")
        named = set(QUOTED.findall(text))
        found |= named if MODELS / "staging" in path.parents else set(SOURCE.findall(text))
        new = (named & files.keys()) - seen
        seen |= new
        waiting += new
    return found
