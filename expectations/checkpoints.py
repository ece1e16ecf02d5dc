"""Runs a checkpoint against the warehouse: a quality gate that stops the run when a critical expectation fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from expectations.assets import Asset, checkpoint_assets
from expectations.errors import GateFailed, NothingToValidate
from expectations.failures import Failure, as_text, list_failures, list_tolerated, warnings_advice, write_failing_rows
from expectations.project import data_docs_folder, validations_folder
from expectations.successes import CheckpointResult, describe_state, forget_success, last_success, record_success
from expectations.validating import validate
from warehouse.connection import engine
from waybill.cli import shown_command
from waybill.file_lock import file_lock
from waybill.observing.work import observed
from waybill.settings import Settings, get_settings, relative_name
from waybill.text import counted

MAX_NAMED_FAILURES = 3
LOADED_SOURCES = "select source from ledger.books where read > 0"
EMPTIED_TABLES = "select 'raw.' || source from ledger.books where landed > 0 and undone + erased = landed"
COMMAND_BEFORE = {"raw": "make load", "marts": "make dbt"}


def run_checkpoint(name: str, *, only_if_changed: bool = False) -> CheckpointResult:
    """Run a checkpoint and rewrite the Data Docs; with `only_if_changed`, skip it if it succeeded for the same rows.

    Assets of a source of which nothing was ever loaded are left out, unless that holds for all.

    Raises:
        NoSuchCheckpoint: no committed checkpoint has this name.
        NothingToValidate: a table that it validates is missing.
        GateFailed: a critical expectation failed; `validation/<name>_failures.csv` lists all failing rows. All others
            are warnings, in `validation/<name>_warnings.csv`; so are a few rows out of range (`mostly`), in
            `validation/<name>_tolerated.csv`.
    """
    settings, known = get_settings(), checkpoint_assets(name)
    if not known:
        nothing = f"nothing to check: no asset has the gate {name}; `{shown_command('new NAME FILE')}` writes them"
        return CheckpointResult(name, True, 0, 0, nothing, is_unchanged=True)
    with observed("checkpoint", name) as work, engine("reader").connect() as connection:
        assets, unloaded = _choose_assets(connection, known)
        _check_assets(connection, name, assets)
        work.found["assets"] = assets
        state = describe_state(connection, assets)
        last = last_success(settings, name, state) if only_if_changed else None
        if last is not None:
            return replace(last, summary=f"nothing new since it succeeded: {last.summary}", is_unchanged=True)
        with file_lock(validations_folder(settings) / ".lock", "waiting for another checkpoint to end"):
            forget_success(settings, name)
            results = work.found["results"] = validate(settings, name, assets)
            found = _Found(connection, settings, name, results)
            emptied = _emptied_assets(connection, assets)
            outcome = found.judge(emptied, unloaded)
            record_success(settings, outcome, state)
        return outcome


def _choose_assets(connection: Connection, assets: list[Asset]) -> tuple[list[Asset], list[str]]:
    """Return the assets to validate, and the sources whose assets are left out because they were never loaded."""
    loaded = set(connection.scalars(as_text(LOADED_SOURCES)))
    chosen = [asset for asset in assets if asset.source is None or asset.source in loaded]
    if not any(asset.source for asset in chosen):
        return assets, []
    return chosen, sorted({str(asset.source) for asset in assets if asset not in chosen})


def _check_assets(connection: Connection, name: str, assets: Sequence[Asset]) -> None:
    for asset in assets:
        try:
            connection.execute(as_text(f"select from (\n{asset.query}\n) as asset limit 0"))
        except ProgrammingError as error:
            reason = str(error.orig).splitlines()[0]
            cannot = f"checkpoint {name} cannot read {asset.name}: {reason}"
            run = COMMAND_BEFORE.get(name, "make pipeline")
            raise NothingToValidate(f"{cannot}; run `{run}` first") from None


def _emptied_assets(connection: Connection, assets: Sequence[Asset]) -> list[str]:
    """Return the assets that read only raw tables whose documents were all undone or erased.

    They do not stop a run, so that marts follow; the checkpoint of the marts still expects its rows.
    """
    emptied = set(connection.scalars(as_text(EMPTIED_TABLES)))
    read = {asset.name: {table for table in asset.tables if table.startswith("raw.")} for asset in assets}
    return [name for name, tables in read.items() if tables and tables <= emptied]


@dataclass(frozen=True)
class _Found:
    """What a checkpoint found: one validation result of Great Expectations per suite."""

    connection: Connection
    settings: Settings
    name: str
    results: list[Any]

    def judge(self, emptied: list[str], unloaded: list[str]) -> CheckpointResult:
        """List what failed in files, and return the result with its warnings, or stop the run."""
        outcome = self._count()
        failed = [failure for failure in list_failures(self.results) if failure.suite not in emptied]
        warned = [failure for failure in failed if not failure.is_critical]
        critical = [failure for failure in failed if failure.is_critical]
        rows, file = self._list("failures", critical)
        warnings = [
            f"all of {', '.join(emptied)} was undone" if emptied else "",
            self._describe_warnings(warned),
            self._describe_tolerated() if not critical else "",
        ]
        if critical:
            raise GateFailed(_describe_failures(outcome, critical, rows, file) + _joined("", warnings))
        if unloaded:
            outcome = replace(outcome, summary=f"{outcome.summary}; nothing of {', '.join(unloaded)} was ever loaded")
        return replace(outcome, summary=_joined(outcome.summary, warnings))

    def _count(self) -> CheckpointResult:
        evaluated = sum(result.statistics["evaluated_expectations"] for result in self.results)
        succeeded = sum(result.statistics["successful_expectations"] for result in self.results)
        rows = sum(_row_count(result) for result in self.results)
        summary = f"{succeeded} of {evaluated} expectations held over {counted(rows, 'row')}"
        return CheckpointResult(self.name, True, rows, evaluated, summary)

    def _list(self, kind: str, failures: Sequence[Failure]) -> tuple[int, Path]:
        """Write the failing rows into the file of this kind, which does not exist without any; return their number."""
        file = validations_folder(self.settings) / f"{self.name}_{kind}.csv"
        if not failures:
            file.unlink(missing_ok=True)
            return 0, file
        return write_failing_rows(self.connection, failures, file), file

    def _describe_warnings(self, warned: Sequence[Failure]) -> str:
        _, file = self._list("warnings", warned)
        if not warned:
            return ""
        did_not = counted(len(warned), "expectation")
        lines = f"{did_not} did not hold, the first {warned[0]}; {relative_name(file)} lists all"
        return "; ".join([lines, *warnings_advice(failure.suite for failure in warned)])

    def _describe_tolerated(self) -> str:
        tolerated = list_tolerated(self.results)
        rows, file = self._list("tolerated", tolerated)
        if not tolerated:
            return ""
        first = f"{tolerated[0].suite}: {tolerated[0].expectation}"
        return f"{counted(rows, 'value')} out of range, the first in {first}; {relative_name(file)} lists all"


def _joined(summary: str, warnings: Sequence[str]) -> str:
    return summary + "".join(f"; warning: {warning}" for warning in warnings if warning)


def _row_count(result: Any) -> int:
    counts = [
        outcome.result.get("element_count") or outcome.result.get("observed_value") or 0
        for outcome in result.results
        if "element_count" in outcome.result or outcome.expectation_config.type.startswith("expect_table_row_count")
    ]
    return max(counts, default=0)


def _describe_failures(outcome: CheckpointResult, failures: Sequence[Failure], rows: int, file: Path) -> str:
    shown = "; ".join(str(failure) for failure in failures[:MAX_NAMED_FAILURES])
    more = f"; and {len(failures) - MAX_NAMED_FAILURES} more" if len(failures) > MAX_NAMED_FAILURES else ""
    index, csv_file = relative_name(data_docs_folder(get_settings()) / "index.html"), relative_name(file)
    where = f"{csv_file} lists all {rows:,} failing rows" if rows else f"No single row is to blame: see {csv_file}"
    return (
        f"checkpoint {outcome.name}: {len(failures)} of {outcome.expectations} expectations failed: {shown}{more}. "
        f"{where}; {index} shows the results. "
        f"Fix the data, or the expectation in expectations/context/suites/{failures[0].suite}.json"
    )
