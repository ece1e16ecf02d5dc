"""Keeps the results of the last `dbt build`: dbt overwrites its own file with every command."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.dbt.failing_rows import FailedTest
from waybill.atomic_files import write_atomic
from waybill.settings import Settings, get_settings

FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class DbtResult:
    """The result of one model, test or unit test; `of` is the model that a test belongs to."""

    name: str
    kind: str
    of: str
    status: str
    message: str
    seconds: float

    @property
    def is_failed(self) -> bool:
        """Whether it stopped the run."""
        return self.status in FAILED

    @property
    def needs_a_look(self) -> bool:
        """Whether it stopped the run or warned."""
        return self.is_failed or self.status == "warn"


@dataclass(frozen=True)
class DbtBuild:
    """The last build: its time and results."""

    at: str
    results: list[DbtResult]

    @property
    def tests(self) -> list[DbtResult]:
        """The tests, unit tests included."""
        return [result for result in self.results if result.kind in ("test", "unit_test")]

    @property
    def passed(self) -> int:
        """The number of tests that passed."""
        return sum(test.status == "pass" for test in self.tests)


def write_build(results: list[Any], tests: list[FailedTest], *, keep_others: bool = False) -> None:
    """Write the results of dbt's runner to the state folder, in one atomic step; failed tests with their first rows.

    On request, keep the results of the models and tests that this build has left out.
    """
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    messages = {test.name: str(test) for test in tests}
    found = [_result(entry, messages) for entry in results]
    names = {(result.kind, result.name) for result in found}
    before = read_build(get_settings()) if keep_others else None
    kept = [result for result in before.results if (result.kind, result.name) not in names] if before else []
    build = DbtBuild(at, [*found, *kept])
    write_atomic(results_path(get_settings()), json.dumps(asdict(build), indent=1))


def read_build(settings: Settings) -> DbtBuild | None:
    """Return the last build, or None if there is none or its file cannot be read."""
    try:
        found = json.loads(results_path(settings).read_text(encoding="utf-8"))
        return DbtBuild(found["at"], [DbtResult(**result) for result in found["results"]])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def results_path(settings: Settings) -> Path:
    """Return the file of the results of the last build on this database."""
    return settings.state_folder / f"dbt_results-{settings.pgdatabase}.json"


def _result(entry: Any, messages: dict[str, str]) -> DbtResult:
    node = entry.node
    attached = getattr(node, "attached_node", None) or next(iter(getattr(node.depends_on, "nodes", [])), "")
    kind = node.unique_id.partition(".")[0]
    return DbtResult(
        name=node.name,
        kind=kind,
        of="" if kind == "model" else str(attached).rpartition(".")[2],
        status=str(entry.status).lower(),
        message=messages.get(node.name) or " ".join(str(entry.message or "").split()),
        seconds=round(float(entry.execution_time or 0), 2),
    )
