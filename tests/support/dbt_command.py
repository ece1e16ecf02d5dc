"""Runs dbt in this process, in temporary folders, and reads its results."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from warehouse.connection import engine
from warehouse.dbt_login import DBT_PROJECT, dbt_variables

UNTESTED = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
HASH = "select coalesce(md5(string_agg(line, '|' order by line)), '') from (select {} as line from {} as row) as lines"


class Dbt:
    """dbt with temporary target and log folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, on_event: Callable[[Any], None] | None = None) -> Any:
        """Run a command and return its result, failed or not."""
        os.environ.update(dbt_variables())
        folders = ("--target-path", str(self.folder / "target"), "--log-path", str(self.folder))
        return invoke(DBT_PROJECT, *arguments, *folders, on_event=on_event)

    def succeed(self, *arguments: str, on_event: Callable[[Any], None] | None = None) -> dict[str, Any]:
        """Run a command that has to succeed; return node name → its result."""
        result = self.run(*arguments, on_event=on_event)
        assert result.success, result.exception or failures(result)
        return {entry.node.name: entry for entry in result.result.results}


def invoke(project: Path, *arguments: str, on_event: Callable[[Any], None] | None = None) -> Any:
    """Run a dbt command in a project's folder and return its result, failed or not.

    dbt writes no manifest.json and no run_results.json, which take about half a second: a test that reads them passes
    `--write-json` first.
    """
    from dbt.cli.main import dbtRunner

    options = ("--quiet", "--no-write-json", "--log-level-file", "none")
    with chdir(project), warnings.catch_warnings(), _less_work():
        warnings.simplefilter("ignore")
        return dbtRunner(callbacks=[on_event] if on_event else []).invoke([*options, *arguments])


@contextmanager
def _less_work() -> Iterator[None]:
    """Leave out what takes a tenth of dbt's CPU time in a process of tests, and changes no result.

    Python's collector goes through all objects of all libraries again and again. For the text of a warning, dbt reads
    the source of each function on the stack, eleven times.
    """
    from dbt_common.behavior_flags import BehaviorFlagRendered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt"))
        gc.disable()
        try:
            yield
        finally:
            gc.enable()


def failures(result: Any) -> dict[str, str]:
    """Return the failed nodes: name → message."""
    return {
        entry.node.name: str(entry.message)
        for entry in result.result.results
        if str(entry.status) in ("error", "fail", "runtime error")
    }


def message(result: Any) -> str:
    """Return the complete error message of a failed command."""
    output = [str(result.exception or "")]
    output += [str(entry.message) for entry in getattr(result.result, "results", None) or []]
    return " ".join(" ".join(output).split())


def query(statement: str) -> list[Any]:
    """Return the rows of a query, those of one column as bare values."""
    with engine("owner").connect() as connection:
        rows = connection.execute(text(statement)).fetchall()
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def execute(statement: str) -> None:
    """Run a statement and commit."""
    with engine("owner").begin() as connection:
        connection.execute(text(statement))
