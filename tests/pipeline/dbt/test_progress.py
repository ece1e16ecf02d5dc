# waybill: sample
"""A build shows on a terminal how many of its models and tests have ended; elsewhere it shows nothing."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.dbt.build import build

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """Text that a command takes for a terminal."""

    def isatty(self) -> bool:
        return True


def shown_by_a_build(stderr: io.StringIO, target: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DBT_TARGET_PATH", str(target))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", stderr)
    build("--select", "stg_airlines", "--exclude", "test_type:unit")
    return CONTROL.sub("", stderr.getvalue())


@pytest.mark.usefixtures("database")
def test_a_build_shows_its_progress_on_a_terminal_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_raw_tables()
    shown = shown_by_a_build(Terminal(), tmp_path, monkeypatch)
    counted = [(int(ended), int(total)) for ended, total in re.findall(r"dbt: (\d+) of (\d+)", shown)]
    (total,) = {total for _, total in counted}
    assert "dbt: build" in shown
    assert re.search(rf"dbt: 0 of {total} stg_airlines\b", shown)
    assert sorted(set(counted)) == [(ended, total) for ended in range(total + 1)]
    assert shown_by_a_build(io.StringIO(), tmp_path, monkeypatch) == ""
