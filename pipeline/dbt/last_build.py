"""Remembers what the last successful build worked on, so that a run in which nothing has changed builds nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.dbt.basis import SCHEMAS, Basis, current_basis, reads_unseen
from pipeline.dbt.downstream import Graph
from pipeline.dbt.results import results_path
from warehouse.dbt_login import target_folder
from waybill.atomic_files import write_atomic
from waybill.settings import Settings, get_settings

ARTEFACTS = ("manifest.json", "run_results.json")  # what the report, the docs and lineage read
ALWAYS_STALE = datetime(1970, 1, 1, tzinfo=UTC).isoformat()
NOT_WRITTEN = {"raw", "ledger"}
UNUSED = "intermediate.rows_deleted"  # says when marts lost rows: macros/keys/delete_unused_rows.sql
TAKEN_AWAY = ("ledger.undone_batches", "ledger.erasures")


@dataclass(frozen=True)
class LastBuild:
    """A build in which all models were built and all tests ran, and what it worked on.

    `stale_from` is source → the time at which it becomes stale if nothing more lands, and `readers` is source → the
    models and tests that a build has to take if only documents of this source have changed since.
    """

    at: str
    summary: str
    project: str
    tables: dict[str, str]
    stale_from: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    readers: dict[str, list[str]] = field(default_factory=dict)

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


def only_documents_changed(basis: Basis) -> LastBuild | None:
    """Return the last build if nothing but the rows of raw tables and the ledger has changed since.

    The unit tests, which passed in it, do not see these: their rows are in the project.
    """
    last = _read()
    if last is None or last.project != basis.project or last.tables.keys() != basis.tables.keys():
        return None
    changed = {name for name, state in basis.tables.items() if last.tables[name] != state}
    is_same = "ledger.layout" not in changed and {_schema(name) for name in changed} <= NOT_WRITTEN
    return last if is_same and results_path(get_settings()).exists() else None


def changed_sources(last: LastBuild, basis: Basis) -> list[str]:
    """Return the sources of which a batch was landed, replaced or undone, or documents erased, since the last build."""
    names = basis.sources.keys() | last.sources.keys() | last.readers.keys()
    return sorted(name for name in names if _state_of(name, last) != _state_of(name, basis))


def _state_of(source: str, seen: LastBuild | Basis) -> tuple[str | None, str | None]:
    return seen.tables.get(f"raw.{source}"), seen.sources.get(source)


def _read() -> LastBuild | None:
    try:
        return LastBuild(**json.loads(last_build_path(get_settings()).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remember_build(
    before: Basis,
    results: Sequence[Any],
    freshness: Sequence[Any],
    summary: str,
    *,
    last: LastBuild | None = None,
    is_partial: bool = False,
) -> None:
    """Remember a build that succeeded, unless its queries depend on what cannot be compared, such as the clock.

    Tables that dbt only reads count with their state before the build: a batch that was committed meanwhile is new to
    the next one. A partial build left out what does not depend on the sources that changed since the last one.
    """
    if reads_unseen(entry.node for entry in results):
        return
    written = (SCHEMAS - NOT_WRITTEN) | {str(entry.node.schema) for entry in results if _is_relation(entry)}
    after = current_basis()
    tables = {name: state for name, state in before.tables.items() if _schema(name) not in written}
    tables |= {name: state for name, state in after.tables.items() if _schema(name) in written}
    if _took_rows_away(before, after, last):
        readers = {}
    elif is_partial and last:
        readers = last.readers
    else:
        nodes = {entry.node.unique_id: entry.node for entry in results if _is_read(entry)}
        readers = Graph(nodes, reads_queries=True).names_by_source()
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    build = LastBuild(at, summary, before.project, tables, _stale_from(freshness), before.sources, readers)
    write_atomic(last_build_path(get_settings()), json.dumps(asdict(build), indent=1))


def _took_rows_away(before: Basis, after: Basis, last: LastBuild | None) -> bool:
    """Return True if hooks may have deleted rows at the end of the build, after models had read them.

    They delete unused rows of marts, and documents that were undone or erased. The next build has to be a whole one.
    """
    earlier = last.tables if last else {}
    return _rows(UNUSED, before.tables) != _rows(UNUSED, after.tables) or any(
        _rows(table, earlier) != _rows(table, before.tables) for table in TAKEN_AWAY
    )


def _rows(table: str, states: Mapping[str, str]) -> str:
    """Return the part of a table's state that changes with its rows, empty if it has none: see table_states.py."""
    return states.get(table, "").rpartition(" ")[2]


def _is_read(entry: Any) -> bool:
    return _is_relation(entry) or entry.node.resource_type == "test"


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
