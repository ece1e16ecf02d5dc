"""The gates: run a committed checkpoint against the warehouse, and stop the line when it does not hold."""

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
from expectations.failures import Failure, as_text, list_failures, write_failing_rows
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

RUNS_KEPT = 5
FAILURES_NAMED = 3
TABLE = re.compile(r"\b(?:from|join)\s+([a-z_]+\.[a-z_]+)")
WHAT_TO_RUN = {"raw": "make load", "marts": "make dbt"}


@dataclass(frozen=True)
class CheckpointOutcome:
    """What a checkpoint saw; `rows` counts those of the tables it looked at."""

    name: str
    success: bool
    rows: int
    expectations: int
    summary: str
    is_unchanged: bool = False


def run_checkpoint(name: str, *, only_if_changed: bool = False) -> CheckpointOutcome:
    """Run a checkpoint and rewrite the Data Docs; with `only_if_changed`, not when it held for the same rows.

    Raises:
        NoSuchCheckpoint: no committed checkpoint has this name.
        NothingToValidate: a table that it looks at is missing.
        GateFailed: an expectation did not hold; all failing rows stand in `validation/<name>_failures.csv`.
    """
    settings = get_settings()
    assets = checkpoint_assets(name)
    with engine("reader").connect() as connection:
        _check_assets(connection, name, assets)
        state = _state(connection, assets)
        last = _last_success(settings, name, state) if only_if_changed else None
        if last is not None:
            return replace(last, summary=f"nothing new since it held: {last.summary}", is_unchanged=True)
        results = _validate(settings, name, assets)
        failures = list_failures(results)
        outcome = _sum_up(name, results)
        failures_file = validations_folder(settings) / f"{name}_failures.csv"
        if not failures:
            failures_file.unlink(missing_ok=True)
            _remember(settings, outcome, state)
            return outcome
        rows = write_failing_rows(connection, failures, failures_file)
    raise GateFailed(_verdict(outcome, failures, rows, failures_file))


def _check_assets(connection: Connection, name: str, assets: list[str]) -> None:
    for asset in assets:
        try:
            connection.execute(as_text(f"select from (\n{asset_queries()[asset]}\n) as asset limit 0"))
        except ProgrammingError as error:
            reason = str(error.orig).splitlines()[0]
            run = WHAT_TO_RUN.get(name, "make pipeline")
            raise NothingToValidate(f"checkpoint {name} cannot look at {asset}: {reason}; run `{run}` first") from None


def _validate(settings: Settings, name: str, assets: list[str]) -> list[Any]:
    """Run the checkpoint, then render its results; return one validation result a suite."""
    _forget_old_runs(settings, assets)
    project = open_project(settings)
    from great_expectations.core import RunIdentifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = project.checkpoints.get(name).run(run_id=RunIdentifier(run_name=name))
        project.build_data_docs()
        project.data_sources.get("warehouse").get_execution_engine().engine.dispose()
    shutil.rmtree(data_docs_folder(settings) / "static", ignore_errors=True)
    return list(result.run_results.values())


def _forget_old_runs(settings: Settings, assets: list[str]) -> None:
    for asset in assets:
        runs = sorted(validations_folder(settings).glob(f"results/{asset}/*/*"), key=lambda path: path.name)
        for run in runs[: -(RUNS_KEPT - 1)]:
            shutil.rmtree(run)
    for file in validations_folder(settings).glob("results/*/*/*/*.json"):
        if not _is_whole(file):
            file.unlink()


def _is_whole(file: Path) -> bool:
    """Whether a result can be read: a full disk or a killed run may have left a part of it."""
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _sum_up(name: str, results: list[Any]) -> CheckpointOutcome:
    asked = sum(result.statistics["evaluated_expectations"] for result in results)
    held = sum(result.statistics["successful_expectations"] for result in results)
    rows = sum(_row_count(result) for result in results)
    summary = f"{held} of {asked} expectations held over {rows:,} rows"
    return CheckpointOutcome(name, held == asked, rows, asked, summary)


def _row_count(result: Any) -> int:
    counts = [
        outcome.result.get("element_count") or outcome.result.get("observed_value") or 0
        for outcome in result.results
        if "element_count" in outcome.result or outcome.expectation_config.type.startswith("expect_table_row_count")
    ]
    return max(counts, default=0)


def _verdict(outcome: CheckpointOutcome, failures: list[Failure], rows: int, file: Path) -> str:
    said = "; ".join(str(failure) for failure in failures[:FAILURES_NAMED])
    more = f"; and {len(failures) - FAILURES_NAMED} more" if len(failures) > FAILURES_NAMED else ""
    index, named = relative_name(data_docs_folder(get_settings()) / "index.html"), relative_name(file)
    named_in = f"All {rows:,} failing rows are named in {named}" if rows else f"No single row is to blame: see {named}"
    return (
        f"checkpoint {outcome.name}: {len(failures)} of {outcome.expectations} expectations failed: {said}{more}. "
        f"{named_in}, the results are in {index}: "
        f"mend the data, or the expectation in expectations/context/suites/{failures[0].suite}.json"
    )


def _state(connection: Connection, assets: list[str]) -> str:
    """Return a digest of all that decides the outcome: the rows, the suites and the queries."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(CONTEXT.rglob("*.*")):
        digest.update(path.read_bytes())
    tables = {table for asset in assets for table in TABLE.findall(asset_queries()[asset])}
    digest.update(fingerprint_rows(connection, tables).encode())
    return digest.hexdigest()


def _memory(settings: Settings) -> Path:
    return validations_folder(settings) / "held.json"


def _remember(settings: Settings, outcome: CheckpointOutcome, state: str) -> None:
    memory = _memory(settings)
    known = json.loads(memory.read_text()) if memory.exists() else {}
    write_atomic(memory, json.dumps({**known, outcome.name: {"state": state, "outcome": asdict(outcome)}}, indent=2))


def _last_success(settings: Settings, name: str, state: str) -> CheckpointOutcome | None:
    memory = _memory(settings)
    if not memory.exists() or not (data_docs_folder(settings) / "index.html").exists():
        return None
    last = json.loads(memory.read_text()).get(name)
    return CheckpointOutcome(**last["outcome"]) if last and last["state"] == state else None
