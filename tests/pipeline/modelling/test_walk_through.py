"""docs/your-own-json.md, followed word by word in a fresh clone: its commands work, and print what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.own_sources.clone import NewProject

PAGE = Path("docs/your-own-json.md")
STEP = re.compile(r"^```sh\n(.*?)^```\n(?:\s*(?:The answer:)?\s*^```\n(.*?)^```)?", re.M | re.S)


def steps() -> list[tuple[str, list[str]]]:
    """Return each block of commands, with the lines of output that the page shows after it."""
    found = STEP.findall(PAGE.read_text(encoding="utf-8"))
    return [(commands, [line.rstrip() for line in shown.splitlines()]) for commands, shown in found]


def test_the_page_shows_outputs_of_both_data_sets() -> None:
    assert len(steps()) >= 6
    assert sum(bool(shown) for _, shown in steps()) >= 3


def test_the_page_can_be_followed_word_by_word(database: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    for commands, shown in steps():
        output = [line.rstrip() for line in project.bash(commands).splitlines()]
        at = output.index(shown[0]) if shown else 0
        assert output[at : at + len(shown)] == shown, commands


@pytest.mark.slow
def test_the_printed_commands_are_those_of_the_page(tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    first, second, *_ = [commands for commands, _ in steps()]
    output = project.bash(first + second)
    assert "  waybill load cafes mine/cafes.ndjson\n  waybill dbt build --select tag:cafes\n" in output
    assert max(map(len, output.splitlines())) <= 100
