"""Describes failed expectations and writes all rows that fail them, read from PostgreSQL."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from expectations.assets import read_assets
from waybill.declared.adopting import advice, is_generated

CRITICAL = "critical"  # the severity of an expectation that names none
COLUMNS = ("suite", "expectation", "row_key", "row")
CONDITION = re.compile(r"\nFROM \S+ \nWHERE (?P<condition>.+);$", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """One expectation that failed, or that could not be evaluated (`problem` says why).

    `failing_rows` is a query for all failing rows; None when the expectation is about the whole table. Only critical
    ones stop a run: the severity is that of the expectation in its suite.
    """

    suite: str
    expectation: str
    observed: str
    failing_rows: str | None
    problem: str | None = None
    is_critical: bool = True

    def __str__(self) -> str:
        """Return suite, expectation and what was observed, in one line."""
        return f"{self.suite}: {self.expectation}: {self.result}"

    @property
    def result(self) -> str:
        """What was observed, or why it could not be checked."""
        return f"could not be checked: {self.problem}" if self.problem else self.observed


def list_failures(results: Iterable[Any]) -> list[Failure]:
    """Return all failures in the validation results of Great Expectations, in their order."""
    return [
        describe_failure(result.suite_name, outcome.to_json_dict())
        for result in results
        for outcome in result.results
        if not outcome.success
    ]


def list_tolerated(results: Iterable[Any]) -> list[Failure]:
    """Return the critical ranges that hold although a few rows are outside, as `mostly` in the suite allows."""
    return [
        describe_failure(result.suite_name, outcome.to_json_dict())
        for result in results
        for outcome in result.results
        if outcome.success
        and outcome.expectation_config.severity == CRITICAL
        and outcome.expectation_config.type == "expect_column_values_to_be_between"
        and outcome.result.get("unexpected_count")
    ]


def write_failing_rows(connection: Connection, failures: Sequence[Failure], file: Path) -> int:
    """Write one CSV line for every failing row of every failure, without a limit; return their number.

    An expectation about a whole table (a count, a mean) has no failing rows: its one line has no `row_key`.
    """
    written = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as handle:
        lines = csv.writer(handle)
        lines.writerow(COLUMNS)
        for failure in failures:
            if failure.failing_rows is None:
                lines.writerow((failure.suite, failure.expectation, "", failure.problem or failure.observed))
                continue
            for row in _failing_rows(connection, failure.failing_rows):
                row_key = row.get("row_key", "")
                lines.writerow((failure.suite, failure.expectation, row_key, json.dumps(row, default=str)))
                written += 1
    return written


def warnings_advice(suites: Iterable[str]) -> list[str]:
    """Return what to do if the rows that warn are right, for each source whose suites `waybill new` made."""
    known = read_assets()
    sources = sorted({str(known[suite].source) for suite in suites if suite in known and known[suite].source})
    return [advice("values", source) for source in sources if is_generated(source)]


def as_text(query: str) -> TextClause:
    """Return the query with its colons escaped, so that SQLAlchemy does not read them as parameters."""
    return text(query.replace(":", "\\:"))


def _failing_rows(connection: Connection, query: str) -> Iterator[dict[str, Any]]:
    streamed = connection.execution_options(stream_results=True, yield_per=1000)
    try:
        for row in streamed.execute(as_text(query)):
            yield dict(row._mapping)
    except DBAPIError as error:
        connection.rollback()
        yield {"row_key": "", "error": str(error.orig).splitlines()[0]}


def describe_failure(suite: str, outcome: dict[str, Any]) -> Failure:
    """Return the failure for one expectation result, given as Great Expectations writes it to JSON."""
    configuration, result = outcome["expectation_config"], outcome["result"]
    kwargs = configuration["kwargs"]
    description = configuration.get("description") or _describe_expectation(configuration["type"], kwargs)
    problem = _first_error(outcome.get("exception_info") or {})
    rows = None if problem else _failing_rows_query(suite, kwargs, result)
    observed = _describe_observation(configuration["type"], result)
    return Failure(suite, description, observed, rows, problem, configuration.get("severity", CRITICAL) == CRITICAL)


def _describe_expectation(kind: str, kwargs: dict[str, Any]) -> str:
    """Return an expectation without a description as words: its column, its type, then its arguments."""
    kind = kind.removeprefix("expect_").replace("_", " ")
    column = kwargs.get("column")
    arguments = [
        f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in kwargs.items()
        if name not in ("batch_id", "column") and value is not None
    ]
    words = f"{column}: {kind}" if column else kind
    return f"{words} ({', '.join(arguments)})" if arguments else words


def _describe_observation(kind: str, result: dict[str, Any]) -> str:
    if "unexpected_count" in result:
        share = result.get("unexpected_percent") or 0.0
        return f"{result['unexpected_count']:,} of {result['element_count']:,} rows fail ({share:.3g} %)"
    observed = result.get("observed_value")
    if kind == "unexpected_rows_expectation":
        return f"{observed} found"
    return f"{observed:,.6g} observed" if isinstance(observed, int | float) else f"{observed} observed"


def _first_error(exception_info: dict[str, Any]) -> str | None:
    """Return the first line of the exception, if any; exceptions of metrics are nested one level deeper."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for info in infos:
        if info.get("raised_exception"):
            return str(info["exception_message"]).strip().splitlines()[0].rstrip(".")
    return None


def _failing_rows_query(suite: str, kwargs: dict[str, Any], result: dict[str, Any]) -> str | None:
    """Return SQL for all failing rows: the expectation's own query, or the asset's rows under its condition.

    Great Expectations itself returns at most twenty of them, and a query on a temporary table that no longer exists.
    """
    asset = f"with asset as (\n{read_assets()[suite].query}\n)\n"
    own = kwargs.get("unexpected_rows_query")
    if own:
        return f"{asset}select * from ({own.format(batch='asset')}) as failing"
    found = CONDITION.search(result.get("unexpected_index_query") or "")
    return f"{asset}select * from asset where {found['condition']}" if found else None
