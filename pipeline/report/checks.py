"""The report's facts about checks: the validations at both edges, and how fresh each source is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from expectations.failures import Failure, describe_failure, warnings_advice
from expectations.project import validations_folder
from pipeline.accounting import SourceAccount
from pipeline.dbt.sources_files import raw_source, read_content, source_files
from waybill.settings import Settings
from waybill.text import counted


@dataclass(frozen=True)
class Validation:
    """The last result of one suite; `page` is its Data Docs page, relative to the report. Warnings stop no run."""

    asset: str
    edge: str
    at: str
    expectations: int
    met: int
    failures: list[str]
    warnings: list[str]
    page: str


@dataclass(frozen=True)
class Freshness:
    """When a source's last documents were committed, their age, and the age from which they count as stale."""

    source: str
    batches: int
    last_landed_at: datetime | None
    age: timedelta | None
    stale_after: timedelta | None

    @property
    def is_stale(self) -> bool:
        """True if the source has a limit, and its documents are older or it has none."""
        return self.stale_after is not None and (self.age is None or self.age > self.stale_after)

    @property
    def shown_age(self) -> str:
        """The age in its largest unit."""
        return "–" if self.age is None else _rounded(self.age)

    @property
    def verdict(self) -> str:
        """Fresh or stale, with the reason."""
        if self.stale_after is None:
            return "no limit is declared"
        if self.age is None:
            return "stale: nothing has landed"
        return f"stale: over {_rounded(self.stale_after)}" if self.is_stale else "fresh"


def read_validations(settings: Settings) -> list[Validation]:
    """Return the last result of each suite, in order of edge and asset; results that cannot be read are left out."""
    results = validations_folder(settings) / "results"
    found = []
    for asset in sorted(results.glob("*")):
        files = sorted(asset.glob("*/*/*.json"), key=lambda file: file.parent.name)
        if files:
            found += _validation(asset.name, files[-1], results)
    return sorted(found, key=lambda one: (one.edge != "raw", one.edge, one.asset))


def _validation(asset: str, file: Path, results: Path) -> list[Validation]:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        failed = [describe_failure(asset, outcome) for outcome in result["results"] if not outcome["success"]]
        return [
            Validation(
                asset=asset,
                edge=file.parent.parent.name,
                at=result["meta"]["run_id"]["run_time"][:16].replace("T", " ") + " UTC",
                expectations=result["statistics"]["evaluated_expectations"],
                met=result["statistics"]["successful_expectations"],
                failures=[str(failure) for failure in failed if failure.is_critical],
                warnings=_warnings(failed),
                page=(Path("data_docs/validations") / file.relative_to(results).with_suffix(".html")).as_posix(),
            )
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _warnings(failed: list[Failure]) -> list[str]:
    """Return the warnings of one suite, and what to do if its rows are right."""
    warned = [failure for failure in failed if not failure.is_critical]
    return [*map(str, warned), *warnings_advice({failure.suite for failure in warned})]


def freshness(accounts: list[SourceAccount], now: datetime) -> list[Freshness]:
    """Return the age of each source that dbt or the ledger knows, and the age from which dbt warns."""
    limits = _limits()
    known = {account.source: account for account in accounts}
    found = []
    for source in sorted(limits.keys() | known.keys()):
        account = known.get(source)
        landed_at = account.last_landed_at if account else None
        found.append(
            Freshness(
                source=source,
                batches=account.batches if account else 0,
                last_landed_at=landed_at,
                age=now - landed_at if landed_at else None,
                stale_after=limits.get(source),
            )
        )
    return found


def _limits() -> dict[str, timedelta | None]:
    """Return each source that dbt declares → the age from which dbt warns; None where it never warns."""
    declared = [raw_source(read_content(path)) for paths in source_files().values() for path in paths]
    return {table["name"]: _limit(raw, table) for raw in declared for table in raw.get("tables") or []}


def _limit(*declarations: dict[str, Any]) -> timedelta | None:
    """Return the limit of the last declaration that has one; null switches off a limit declared before it."""
    limit = None
    for declaration in declarations:
        declared = (declaration.get("config") or {}).get("freshness", {})
        limit = declared.get("warn_after", limit) if declared is not None else None
    return timedelta(**{f"{limit['period']}s": limit["count"]}) if limit else None


def _rounded(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return counted(minutes // size, unit)
    return "under a minute"
