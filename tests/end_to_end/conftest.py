# waybill: sample
"""One run of the demo, for all tests that look at its results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.databases import drop_database, fresh_database, rows
from warehouse.connection import forget

FOLDERS = ("WAYBILL_PROCESSED", "WAYBILL_MODELS", "WAYBILL_REPORTS")


@dataclass(frozen=True)
class DemoRun:
    """The demo's output, the database of the user that existed during the run, and the folder above the demo's folders."""

    output: str
    beside: str
    folder: Path


@pytest.fixture(scope="session")
def demo_run(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Run the demo on a server that also holds a user's database, which the demo may not touch."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, **{name: str(folder / name) for name in FOLDERS}, "COLUMNS": "80"}
    with fresh_database("demo") as name:
        command, environment["PGDATABASE"] = [sys.executable, "-m", "pipeline.showcase.demo"], name
        run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert (run.returncode, run.stderr) == (0, "")
        assert rows("select count(*) from ledger.runs") == [(0,)], "the user's database was touched"
    yield DemoRun(run.stdout, name, folder)
    drop_database(f"{name}_demo")


@pytest.fixture
def demo(demo_run: DemoRun, monkeypatch: pytest.MonkeyPatch) -> DemoRun:
    """Name the demo's database while the test runs."""
    monkeypatch.setenv("PGDATABASE", f"{demo_run.beside}_demo")
    forget()
    return demo_run
