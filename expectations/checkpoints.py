"""Runs a committed checkpoint against the warehouse: a quality gate that stops the run when an expectation fails."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from expectations.errors import GateFailed, NothingToValidate
from expectations.failures import Failure, as_text, list_failures, list_tolerated, write_failing_rows
from expectations.project import (
    CONTEXT,
    asset_queries,
    checkpoint_assets,
    data_docs_folder,
    open_project,
    validations_folder,
)
from expectations.row_versions import fingerprint_rows
from warehouse.connection import engine
from waybill.atomic_files import write_atomic
from waybill.settings import Settings, get_settings, relative_name
from waybill.text import counted

MAX_KEPT_RUNS = 5
MAX_NAMED_FAILURES = 3
TABLE = re.compile(r"\b(?:from|join)\s+([a-z0-9_]+\.[a-z0-9_]+)")
UNDONE_TABLES = "select 'raw.' || source from ledger.books where undone > 0 and undone = landed"
COMMAND_BEFORE = {"raw": "make load", "marts": "make dbt"}


@dataclass(frozen=True)
class CheckpointResult:
    """The result of a checkpoint; `rows` counts the rows of the tables that it validated."""

    name: str
    success: bool
    rows: int
    expectations: int
    summary: str
    is_unchanged: bool = False


def run_checkpoint(name: str, *, only_if_changed: bool = False) -> CheckpointResult:
    """Run a checkpoint and rewrite the Data Docs; with `only_if_changed`, skip it if it succeeded for the same rows.

    Raises:
        NoSuchCheckpoint: no committed checkpoint has this name.
        NothingToValidate: a table that it validates is missing.
        GateFailed: an expectation failed; `validation/<name>_failures.csv` lists all failing rows. A few rows out
            of range (`mostly`) are a warning; `validation/<name>_tolerated.csv` lists them.
    """
    settings = get_settings()
    assets = checkpoint_assets(name)
    with engine("reader").connect() as connection:
        _check_assets(connection, name, assets)
        state = _state(connection, assets)
        last = _last_success(settings, name, state) if only_if_changed else None
        if last is not None:
            return replace(last, summary=f"nothing new since it succeeded: {last.summary}", is_unchanged=True)
        results = _validate(settings, name, assets)
        emptied = _emptied_assets(connection, assets)
        failures = [failure for failure in list_failures(results) if failure.suite not in emptied]
        outcome = _summarise(name, results)
        if emptied:
            outcome = replace(outcome, summary=f"{outcome.summary}; warning: all of {', '.join(emptied)} was undone")
        failures_file = validations_folder(settings) / f"{name}_failures.csv"
        if not failures:
            failures_file.unlink(missing_ok=True)
            outcome = _with_warning(connection, outcome, list_tolerated(results), settings)
            _record_success(settings, outcome, state)
            return outcome
        rows = write_failing_rows(connection, failures, failures_file)
    raise GateFailed(_describe_failures(outcome, failures, rows, failures_file))


def _check_assets(connection: Connection, name: str, assets: list[str]) -> None:
    for asset in assets:
        try:
            connection.execute(as_text(f"select from (\n{asset_queries()[asset]}\n) as asset limit 0"))
        except ProgrammingError as error:
            reason = str(error.orig).splitlines()[0]
            run = COMMAND_BEFORE.get(name, "make pipeline")
            raise NothingToValidate(f"checkpoint {name} cannot read {asset}: {reason}; run `{run}` first") from None


def _emptied_assets(connection: Connection, assets: list[str]) -> list[str]:
    """Return the assets that read only raw tables whose documents were all undone.

    They do not stop a run, so that marts follow the undo; the checkpoint of the marts still expects its rows.
    """
    undone = set(connection.scalars(as_text(UNDONE_TABLES)))
    read = {asset: {table for table in _tables_of(asset) if table.startswith("raw.")} for asset in assets}
    return [asset for asset, tables in read.items() if tables and tables <= undone]


def _validate(settings: Settings, name: str, assets: list[str]) -> list[Any]:
    """Run the checkpoint, then render its results; return one validation result per suite."""
    _remove_old_results(settings, assets)
    project = open_project(settings)
    from great_expectations.core import RunIdentifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = project.checkpoints.get(name).run(run_id=RunIdentifier(run_name=name))
        project.build_data_docs()
        project.data_sources.get("warehouse").get_execution_engine().engine.dispose()
    shutil.rmtree(data_docs_folder(settings) / "static", ignore_errors=True)
    return list(result.run_results.values())


def _remove_old_results(settings: Settings, assets: list[str]) -> None:
    for asset in assets:
        runs = sorted(validations_folder(settings).glob(f"results/{asset}/*/*"), key=lambda path: path.name)
        for run in runs[: -(MAX_KEPT_RUNS - 1)]:
            shutil.rmtree(run)
    for file in validations_folder(settings).glob("results/*/*/*/*.json"):
        if not _is_complete(file):
            file.unlink()


def _is_complete(file: Path) -> bool:
    """Return whether a result is complete JSON: a full disk or a killed run can leave a truncated file."""
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _summarise(name: str, results: list[Any]) -> CheckpointResult:
    evaluated = sum(result.statistics["evaluated_expectations"] for result in results)
    succeeded = sum(result.statistics["successful_expectations"] for result in results)
    rows = sum(_row_count(result) for result in results)
    summary = f"{succeeded} of {evaluated} expectations held over {rows:,} rows"
    return CheckpointResult(name, succeeded == evaluated, rows, evaluated, summary)


def _with_warning(
    connection: Connection, outcome: CheckpointResult, tolerated: list[Failure], settings: Settings
) -> CheckpointResult:
    """Write the rows that are out of range but tolerated, and add their number to the summary."""
    file = validations_folder(settings) / f"{outcome.name}_tolerated.csv"
    if not tolerated:
        file.unlink(missing_ok=True)
        return outcome
    rows = write_failing_rows(connection, tolerated, file)
    first = f"{tolerated[0].suite}: {tolerated[0].expectation}"
    warning = f"warning: {counted(rows, 'value')} out of range, the first in {first}; {relative_name(file)} lists all"
    return replace(outcome, summary=f"{outcome.summary}; {warning}")


def _row_count(result: Any) -> int:
    counts = [
        outcome.result.get("element_count") or outcome.result.get("observed_value") or 0
        for outcome in result.results
        if "element_count" in outcome.result or outcome.expectation_config.type.startswith("expect_table_row_count")
    ]
    return max(counts, default=0)


def _describe_failures(outcome: CheckpointResult, failures: list[Failure], rows: int, file: Path) -> str:
    shown = "; ".join(str(failure) for failure in failures[:MAX_NAMED_FAILURES])
    more = f"; and {len(failures) - MAX_NAMED_FAILURES} more" if len(failures) > MAX_NAMED_FAILURES else ""
    index, csv_file = relative_name(data_docs_folder(get_settings()) / "index.html"), relative_name(file)
    where = f"{csv_file} lists all {rows:,} failing rows" if rows else f"No single row is to blame: see {csv_file}"
    return (
        f"checkpoint {outcome.name}: {len(failures)} of {outcome.expectations} expectations failed: {shown}{more}. "
        f"{where}; {index} shows the results. "
        f"Fix the data, or the expectation in expectations/context/suites/{failures[0].suite}.json"
    )


def _tables_of(asset: str) -> set[str]:
    """Return the tables that an asset's query reads, with their schemas."""
    return set(TABLE.findall(asset_queries()[asset]))


def _state(connection: Connection, assets: list[str]) -> str:
    """Return a digest of everything that determines the outcome: the rows, the suites and the queries."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(CONTEXT.rglob("*.*")):
        digest.update(path.read_bytes())
    tables = {table for asset in assets for table in _tables_of(asset)}
    digest.update(fingerprint_rows(connection, tables).encode())
    return digest.hexdigest()


def _successes_file(settings: Settings) -> Path:
    return validations_folder(settings) / "succeeded.json"


def _record_success(settings: Settings, outcome: CheckpointResult, state: str) -> None:
    file = _successes_file(settings)
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    write_atomic(file, json.dumps({**known, outcome.name: {"state": state, "outcome": asdict(outcome)}}, indent=2))


def _last_success(settings: Settings, name: str, state: str) -> CheckpointResult | None:
    file = _successes_file(settings)
    if not file.exists() or not (data_docs_folder(settings) / "index.html").exists():
        return None
    last = json.loads(file.read_text(encoding="utf-8")).get(name)
    return CheckpointResult(**last["outcome"]) if last and last["state"] == state else None
