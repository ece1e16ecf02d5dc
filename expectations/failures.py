"""What did not hold at an edge, and every row that is to blame, asked of PostgreSQL in full."""

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

from expectations.project import asset_queries

COLUMNS = ("suite", "expectation", "row_key", "row")
CONDITION = re.compile(r"\nFROM \S+ \nWHERE (?P<condition>.+);$", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """One expectation that did not hold, or could not be asked (`problem`)."""

    suite: str
    expectation: str
    observed: str
    failing_rows: str | None
    problem: str | None = None

    def __str__(self) -> str:
        """Return the line that a person reads."""
        said = f"could not be checked: {self.problem}" if self.problem else self.observed
        return f"{self.suite}: {self.expectation}: {said}"


def list_failures(results: Iterable[Any]) -> list[Failure]:
    """Return what failed in the validation results of Great Expectations, in their order."""
    return [
        describe_failure(result.suite_name, outcome.to_json_dict())
        for result in results
        for outcome in result.results
        if not outcome.success
    ]


def write_failing_rows(connection: Connection, failures: Sequence[Failure], file: Path) -> int:
    """Write one CSV line for every failing row of every failure, however many; return how many.

    A failure of a whole table (a count, a mean) has no rows of its own: its line has no `row_key`.
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


def as_text(query: str) -> TextClause:
    """Return the query with its colons meant as they stand, not as parameters."""
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
    """Return what failed, of one outcome as Great Expectations writes it to JSON."""
    configuration, result = outcome["expectation_config"], outcome["result"]
    kwargs = configuration["kwargs"]
    words = configuration.get("description") or _words(configuration["type"], kwargs)
    problem = _problem(outcome.get("exception_info") or {})
    rows = None if problem else _failing_rows_query(suite, kwargs, result)
    return Failure(suite, words, _observed(configuration["type"], result), rows, problem)


def _words(kind: str, kwargs: dict[str, Any]) -> str:
    """Return the expectation as words: its type, then what it was given."""
    kind = kind.removeprefix("expect_").replace("_", " ")
    column = kwargs.get("column")
    given = [
        f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in kwargs.items()
        if name not in ("batch_id", "column") and value is not None
    ]
    words = f"{column}: {kind}" if column else kind
    return f"{words} ({', '.join(given)})" if given else words


def _observed(kind: str, result: dict[str, Any]) -> str:
    if "unexpected_count" in result:
        share = result.get("unexpected_percent") or 0.0
        return f"{result['unexpected_count']:,} of {result['element_count']:,} rows fail ({share:.3g} %)"
    observed = result.get("observed_value")
    if kind == "unexpected_rows_expectation":
        return f"{observed} found"
    return f"{observed:,.6g} observed" if isinstance(observed, int | float) else f"{observed} observed"


def _problem(exception_info: dict[str, Any]) -> str | None:
    """Return the first line of what was raised; raised metrics stand one level deeper."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for info in infos:
        if info.get("raised_exception"):
            return str(info["exception_message"]).strip().splitlines()[0].rstrip(".")
    return None


def _failing_rows_query(suite: str, kwargs: dict[str, Any], result: dict[str, Any]) -> str | None:
    """Return SQL for all failing rows: the expectation's own query, or the asset's rows under its condition.

    Great Expectations returns twenty of them, and a query on a temporary table that is gone by now.
    """
    asset = f"with asset as (\n{asset_queries()[suite]}\n)\n"
    own = kwargs.get("unexpected_rows_query")
    if own:
        return f"{asset}select * from ({own.format(batch='asset')}) as failing"
    found = CONDITION.search(result.get("unexpected_index_query") or "")
    return f"{asset}select * from asset where {found['condition']}" if found else None
