"""Remembers what the last successful build worked on, so that a run in which nothing has changed builds nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.dbt.basis import SCHEMAS, Basis, current_basis, reads_unseen
from pipeline.dbt.results import results_path
from warehouse.dbt_login import target_folder
from waybill.atomic_files import write_atomic
from waybill.settings import Settings, get_settings

ARTEFACTS = ("manifest.json", "run_results.json")  # what the report, the docs and lineage read
ALWAYS_STALE = datetime(1970, 1, 1, tzinfo=UTC).isoformat()
NOT_WRITTEN = {"raw", "ledger"}


@dataclass(frozen=True)
class LastBuild:
    """A build in which all models were built and all tests ran, and what it worked on.

    `stale_from` is source → the time at which it becomes stale if nothing more lands.
    """

    at: str
    summary: str
    project: str
    tables: dict[str, str]
    stale_from: dict[str, str]

    @property
    def stale_sources(self) -> list[str]:
        """The sources that are stale at this moment."""
        now = datetime.now(UTC)
        return sorted(name for name, since in self.stale_from.items() if datetime.fromisoformat(since) <= now)


def last_build_path(settings: Settings) -> Path:
    """Return the file of the last successful build on this database."""
    return settings.state_folder / f"dbt_build-{settings.pgdatabase}.json"


def forget_build() -> None:
    """Forget the last build: before another one begins, which may fail or be killed."""
    last_build_path(get_settings()).unlink(missing_ok=True)


def same_build(basis: Basis) -> LastBuild | None:
    """Return the last build if it worked on the same, and what it wrote for others is still there."""
    last = _read()
    if last is None or (last.project, last.tables) != (basis.project, basis.tables):
        return None
    kept = [results_path(get_settings()), *(target_folder() / name for name in ARTEFACTS)]
    return last if all(path.exists() for path in kept) else None


def only_documents_changed(basis: Basis) -> bool:
    """Return True if nothing but the rows of raw tables and the ledger differs from the last build.

    The unit tests, which passed in it, do not see these: their rows are in the project.
    """
    last = _read()
    if last is None or last.project != basis.project or last.tables.keys() != basis.tables.keys():
        return False
    changed = {name for name, state in basis.tables.items() if last.tables[name] != state}
    return "ledger.layout" not in changed and {_schema(name) for name in changed} <= NOT_WRITTEN


def _read() -> LastBuild | None:
    try:
        return LastBuild(**json.loads(last_build_path(get_settings()).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remember_build(before: Basis, results: Sequence[Any], freshness: Sequence[Any], summary: str) -> None:
    """Remember a build that succeeded, unless its queries depend on what cannot be compared, such as the clock.

    Tables that dbt only reads count with their state before the build: a batch that was committed meanwhile is new to
    the next one.
    """
    if reads_unseen(entry.node for entry in results):
        return
    written = (SCHEMAS - NOT_WRITTEN) | {str(entry.node.schema) for entry in results if _is_relation(entry)}
    after = current_basis()
    tables = {name: state for name, state in before.tables.items() if _schema(name) not in written}
    tables |= {name: state for name, state in after.tables.items() if _schema(name) in written}
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    build = LastBuild(at, summary, before.project, tables, _stale_from(freshness))
    write_atomic(last_build_path(get_settings()), json.dumps(asdict(build), indent=1))


def _is_relation(entry: Any) -> bool:
    return entry.node.resource_type in ("model", "seed", "snapshot")


def _schema(name: str) -> str:
    return name.partition(".")[0]


def _stale_from(freshness: Sequence[Any]) -> dict[str, str]:
    """Return source → when it becomes stale, from the results of `dbt source freshness`, among which are hooks."""
    found = {}
    for entry in freshness:
        if str(entry.status) in ("warn", "error"):
            found[entry.node.name] = ALWAYS_STALE
        elif limits := [limit for limit in _limits(getattr(entry.node, "freshness", None)) if limit]:
            found[entry.node.name] = (entry.max_loaded_at + min(limits)).isoformat()
    return found


def _limits(freshness: Any) -> list[timedelta | None]:
    thresholds = [freshness.warn_after, freshness.error_after] if freshness else []
    return [
        timedelta(**{f"{getattr(each.period, 'value', each.period)}s": each.count}) if each and each.count else None
        for each in thresholds
    ]
