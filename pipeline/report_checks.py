"""What was checked: dbt's tests of the last build, the validations at both edges, and how fresh each source is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from expectations.failures import describe_failure
from expectations.project import validations_folder
from pipeline.accounting import SourceAccount
from warehouse.dbt_login import DBT_PROJECT
from warehouse.settings import Settings

SOURCES = DBT_PROJECT / "models" / "_sources.yml"


@dataclass(frozen=True)
class Validation:
    """The last result of one suite; `page` is its Data Docs page, relative to the report."""

    asset: str
    edge: str
    at: str
    asked: int
    held: int
    failures: list[str]
    page: str


@dataclass(frozen=True)
class Freshness:
    """When a source's last batch was committed, how old that is, and from when on it is called stale."""

    source: str
    batches: int
    last_commit_at: datetime
    age: timedelta
    stale_after: timedelta | None

    @property
    def is_stale(self) -> bool:
        """Whether it is older than dbt's limit."""
        return self.stale_after is not None and self.age > self.stale_after

    @property
    def words(self) -> str:
        """The age for a person."""
        minutes = int(self.age.total_seconds() // 60)
        for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
            if minutes >= size:
                count = minutes // size
                return f"{count} {unit}{'s' if count > 1 else ''}"
        return "under a minute"


def read_validations(settings: Settings) -> list[Validation]:
    """Return the last result of each suite, by edge and asset; one that cannot be read is left out."""
    results = validations_folder(settings) / "results"
    found = []
    for asset in sorted(results.glob("*")):
        files = sorted(asset.glob("*/*/*.json"), key=lambda file: file.parent.name)
        if files:
            found += _validation(asset.name, files[-1], results)
    return sorted(found, key=lambda one: (one.edge != "raw", one.edge, one.asset))


def _validation(asset: str, file: Path, results: Path) -> list[Validation]:
    try:
        result = json.loads(file.read_text())
        failed = [outcome for outcome in result["results"] if not outcome["success"]]
        return [
            Validation(
                asset=asset,
                edge=file.parent.parent.name,
                at=result["meta"]["run_id"]["run_time"][:16].replace("T", " ") + " UTC",
                asked=result["statistics"]["evaluated_expectations"],
                held=result["statistics"]["successful_expectations"],
                failures=[str(describe_failure(asset, outcome)) for outcome in failed],
                page=(Path("data_docs/validations") / file.relative_to(results).with_suffix(".html")).as_posix(),
            )
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def freshness(accounts: list[SourceAccount], now: datetime) -> list[Freshness]:
    """Return each source's age, held against the limit that dbt warns at."""
    limits = _limits()
    return [
        Freshness(
            source=account.source,
            batches=account.batches,
            last_commit_at=account.last_commit_at,
            age=now - account.last_commit_at,
            stale_after=limits.get(account.source),
        )
        for account in accounts
    ]


def _limits() -> dict[str, timedelta]:
    """Return source → the age from which on dbt warns."""
    declared: list[dict[str, Any]] = yaml.safe_load(SOURCES.read_text())["sources"]
    raw = next(source for source in declared if source["name"] == "raw")
    limits = {}
    for table in raw["tables"]:
        for holder in (table, raw):
            limit = (holder.get("config") or {}).get("freshness", {}).get("warn_after")
            if limit:
                limits[table["name"]] = timedelta(**{f"{limit['period']}s": limit["count"]})
                break
    return limits
