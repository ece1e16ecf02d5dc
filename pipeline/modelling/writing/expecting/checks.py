"""Expectations as a suite holds them, each with a description in plain English and an id that never changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from expectations.project import derived_id

VERSION = "1.24.1"  # of Great Expectations, which writes it into suites


@dataclass(frozen=True)
class Check:
    """One expectation. `about` and `kind` together are unique in a suite; a warning stops no run."""

    kind: str
    about: str
    description: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    is_critical: bool = False


def suite_text(asset: str, checks: Sequence[Check]) -> str:
    """Return the suite of an asset as JSON."""
    suite = {
        "name": asset,
        "id": derived_id("suite", asset),
        "expectations": [
            {
                "description": check.description,
                "id": derived_id("expectation", asset, check.kind, check.about),
                "type": check.kind,
                "kwargs": check.kwargs,
                "severity": "critical" if check.is_critical else "warning",
                "meta": {},
            }
            for check in checks
        ],
        "meta": {"great_expectations_version": VERSION},
        "notes": None,
    }
    return json.dumps(suite, indent=2, ensure_ascii=False) + "\n"


def has_rows(*, least: int = 1, is_critical: bool) -> Check:
    """Return a check that there are at least so many rows."""
    about = "any" if is_critical else "volume"
    rows = "at least one row" if least == 1 else f"at least {least:,} rows"
    kwargs = {"min_value": least}
    return Check("expect_table_row_count_to_be_between", about, rows, kwargs, is_critical)


def is_present(column: str, *, least: float | None = None) -> Check:
    """Return a check that a column is not null: in every row, which is critical, or in a share of them."""
    kind = "expect_column_values_to_not_be_null"
    if least is None:
        return Check(kind, column, f"{column} is never null", {"column": column}, is_critical=True)
    shown = f"{column} is null in at most {100 * (1 - least):.3g} % of the rows"
    return Check(kind, column, shown, {"column": column, "mostly": least})


def is_between(column: str, lowest: float | None, highest: float | None, *, mostly: float, shown: str) -> Check:
    """Return a check that the values of a column are in a range."""
    kwargs = {"column": column, "min_value": lowest, "max_value": highest, "mostly": mostly}
    return Check("expect_column_values_to_be_between", column, shown, kwargs)


def figure_is_between(figure: str, column: str, bounds: tuple[float | None, float | None], *, shown: str) -> Check:
    """Return a check that a figure of a column (mean, stdev, max, unique_value_count) is in a range."""
    kwargs = {"column": column, "min_value": bounds[0], "max_value": bounds[1]}
    return Check(f"expect_column_{figure}_to_be_between", column, shown, kwargs)


def finds_no_rows(about: str, query: str, *, shown: str) -> Check:
    """Return a check that a query over `{batch}` finds nothing; it has a column `row_key`."""
    return Check("unexpected_rows_expectation", about, shown, {"unexpected_rows_query": query})
