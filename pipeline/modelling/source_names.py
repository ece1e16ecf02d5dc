"""Checks the name of a new source before anything is read: raw table, models, files and tag are named after it."""

from __future__ import annotations

import re

from loader.declared_types import SOURCE_NAME
from pipeline.errors import ModellingRefused
from waybill.project.file_tags import SAMPLE

MAX_LENGTH = 40  # leaves room for the names of child tables in PostgreSQL's 63 bytes
WORDS = (  # that PostgreSQL does not take as the name of a table without quotes
    "all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for "
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric system_user table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with"
)
RESERVED = frozenset(WORDS.split())
ENDINGS = ("_deduplicated", "_outcomes")  # of the models that every source has
FOLDERS = frozenset(("staging", "intermediate", "marts", "deduplicated", "outcomes", "corrections", "features"))


def check_source_name(name: str) -> None:
    """Check that a name can be a source's.

    Raises:
        ModellingRefused: it cannot. The message proposes a similar name.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise ModellingRefused(
            f"{name!r} cannot be the name of a source: use lower-case letters, digits and underscores, and begin with "
            f"a letter, e.g. {_similar(name)}"
        )
    if len(name) > MAX_LENGTH:
        raise ModellingRefused(f"{name} is longer than {MAX_LENGTH} characters: choose a shorter name for the source")
    if name.endswith(ENDINGS) or name in FOLDERS:
        raise ModellingRefused(f"{name} is the name of a layer or ending of models: choose another name for the source")
    if name == SAMPLE:
        raise ModellingRefused(
            f"{name} is what the files of the shipped sample are tagged with: choose another name for the source, e.g. "
            f"{name}_data"
        )
    if name in RESERVED:
        raise ModellingRefused(
            f"{name} is a reserved word of SQL: choose another name for the source, e.g. {name}_data"
        )


def default_description(source: str) -> str:
    """Return the description of a source that nobody has described."""
    return f"{source.replace('_', ' ').capitalize()}, as JSON documents."


def _similar(name: str) -> str:
    words = re.findall("[a-z0-9]+", re.sub("([a-z0-9])([A-Z])", r"\1_\2", name.rpartition("/")[2]).lower())
    similar = "_".join(words)[:MAX_LENGTH].strip("_")
    if similar in RESERVED:
        similar = f"{similar}_data"
    return similar if SOURCE_NAME.fullmatch(similar) else f"my_{similar}".strip("_") if similar else "my_source"
