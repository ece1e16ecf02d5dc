"""Says what to do where the documents of a source no longer fit its files: for every report, in one wording.

`waybill adopt` adapts the files of a source that `waybill new` made. A user changes those of any other source.
"""

from __future__ import annotations

import shlex
from typing import Literal

from waybill.cli import shown_command
from waybill.project.file_tags import read_tag
from waybill.settings import PROJECT

SOURCES = PROJECT / "loader" / "sources"
Misfit = Literal["fields", "type", "values", "reference", "key"]
BY_HAND: dict[Misfit, str] = {
    "fields": "add each to contract, staging, mart and `carried`, or to `left_out`",
    "type": "give the field another type in its staging model and its mart",
    "values": "add it to the tests of the mart and to the suite in expectations/context/suites",
    "reference": "remove the `relationships` test from the yml of the mart",
    "key": "declare more key fields in loader/sources/{source}.yml",
}


def is_generated(source: str) -> bool:
    """Return True if `waybill new` made the files of a source: its declaration holds the tag."""
    try:
        tag = read_tag((SOURCES / f"{source}.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    return tag is not None and tag.owner == source


def adopt_command(source: str, *paths: str) -> str:
    """Return the command that adapts the files of a source: at these paths, or wherever they do not fit."""
    return shown_command(" ".join(["adopt", source, *map(shlex.quote, paths)]))


def advice(misfit: Misfit, source: str, *paths: str) -> str:
    """Return what to do if the documents are right from now on, as the last part of a sentence."""
    if not is_generated(source):
        return f"if this is right from now on, {BY_HAND[misfit].format(source=source)}"
    if misfit == "key":
        return f"if these are different things: `{adopt_command(source)} --key PATH`, once for each field of the key"
    return f"if this is right from now on: `{adopt_command(source, *paths)}`"
