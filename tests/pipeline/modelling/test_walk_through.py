"""docs/your-own-json.md, followed word by word in a fresh clone as far as its half: its commands print what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.own_sources.clone import NewProject
from tests.support.own_sources.page import follow, halves, steps


def test_the_page_shows_outputs_of_both_halves() -> None:
    for half in halves():
        assert sum(bool(shown) for _, shown in steps(half)) >= 3


def test_the_first_half_can_be_followed_word_by_word(database: str, tmp_path: Path) -> None:
    follow(NewProject(tmp_path), halves()[0], database)


@pytest.mark.slow
def test_the_printed_commands_are_those_of_the_page(tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    first, second, *_ = [commands for commands, _ in steps(halves()[0])]
    output = project.bash(first + second)
    assert "  waybill load cafes mine/cafes.ndjson\n  waybill dbt build --select tag:cafes\n" in output
    assert max(map(len, output.splitlines())) <= 100
