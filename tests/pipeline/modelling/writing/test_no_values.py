"""The files of a new source have no value of a document: an erase changes no file of the project."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.flags import Flags
from pipeline.modelling.printing import decided_lines
from pipeline.modelling.profiling.profile import OtherKinds
from pipeline.modelling.project_files import plain_files
from tests.pipeline.modelling.deciding.plain_profiles import profiled

LONG = 7 * 10**44  # beyond numeric: the column is JSON
VALUES = ["7001001", "Ada Lovelace", "ada@example.org", "1815-12-10", "7000004711", "7001234.5", str(LONG), "7.000e+44"]


def guests() -> list[dict[str, Any]]:
    """Return documents of three guests, of whom the first, with the lowest values, has two."""
    guest = {
        "id": 7001001, "name": "Ada Lovelace", "email": "ada@example.org", "birth": "1815-12-10", "nights": 7001234.5,
        "long": LONG, "version": 7000004711,
    }  # fmt: skip
    found = [guest, guest | {"version": 7000004712}]
    for number in range(1, 20):
        others = {"name": f"Guest {number}", "email": f"{number}@example.org", "birth": f"19{number + 10}-02-03"}
        figures = {"nights": 7001234.5 + number, "long": LONG + number, "version": 7000004712 + number}
        found.append({"id": 7001001 + number} | others | figures)
    return found


def test_files_have_no_value_that_the_output_shows() -> None:
    found = replace(profiled(guests()), other_kinds=OtherKinds(2, "/name", (("Ada Lovelace", 2),)))
    for flags in (Flags(), Flags(key=("/id",), version="/version"), Flags(key=("/email",))):
        made = design(found, "guests", flags)
        printed = "\n".join(decided_lines(made))
        assert all(value in printed for value in ("7001001", "Ada Lovelace", "ada@example.org"))
        held = {value: name for name, text in plain_files(made).items() for value in VALUES if value in text}
        assert held == {}
