"""Names the rows that fail a dbt test: dbt itself gives only their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from pipeline.adoption.carried_paths import path_of_column
from warehouse.connection import engine
from waybill.cli import shown_command
from waybill.declared.adopting import Misfit, advice
from waybill.text import counted, shown

MAX_NAMED_ROWS = 5
MAX_CHARACTERS = 200  # of a value, which may be a whole document
MISFITS: dict[str, Misfit] = {"accepted_values": "values", "relationships": "reference"}
NOT_NAMES = {"rows_checked"}  # what a check returns for its own `error_if`


@dataclass(frozen=True)
class FailedTest:
    """A dbt test that failed or warned: the number of its rows, the first of them, and the command that lists all."""

    name: str
    is_warning: bool
    rows: int
    first_rows: list[str]
    command: str
    advice: str | None = None  # what to do if the rows are right

    @property
    def heading(self) -> str:
        """The test, its result and its number of rows."""
        return f"{self.name} {'warns' if self.is_warning else 'failed'}: {counted(self.rows, 'row')}"

    def __str__(self) -> str:
        """Return everything in one line."""
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.heading}, such as {'; '.join(self.first_rows)}; all of them: `{self.command}`{advice}"


def failed_tests(results: list[Any]) -> list[FailedTest]:
    """Return the tests whose rows fail, or warn, among the results of dbt's runner.

    A unit test, or a test that could not be run, has no rows: dbt's own message says what is wrong with it.
    """
    found = [entry for entry in results if entry.node.resource_type == "test" and entry.failures]
    return [
        FailedTest(
            name=entry.node.name,
            is_warning=str(entry.status) == "warn",
            rows=entry.failures,
            first_rows=_first_rows(entry.node.compiled_code),
            command=shown_command(f"dbt show --limit -1 -s {entry.node.name}"),
            advice=_advice(entry.node),
        )
        for entry in found
        if str(entry.status) in ("fail", "warn")
    ]


def print_failed_tests(tests: list[FailedTest]) -> None:
    """Print each test with its first rows and the command that lists all."""
    for test in tests:
        print(test.heading)
        for row in test.first_rows:
            print(f"  {row}")
        print(f"  all: {test.command}")
        if test.advice:
            print(f"  {test.advice}")


def _first_rows(query: str) -> list[str]:
    """Return the first rows of a test's query, each as `column=value` pairs."""
    try:
        with engine("transformer").connect() as connection:
            found = connection.exec_driver_sql(
                f"select * from (\n{query}\n) as failing limit {MAX_NAMED_ROWS}",
                execution_options={"no_parameters": True},  # so that a percent sign in the query is one
            )
            columns = list(found.keys())
            return [
                ", ".join(_pair(name, value) for name, value in zip(columns, row, strict=True) if name not in NOT_NAMES)
                for row in found
            ]
    except DBAPIError as error:
        return [f"(cannot be read now: {str(error.orig).splitlines()[0]})"]


def _advice(node: Any) -> str | None:
    """Return what to do if the rows that a generic test of a mart's column returns are right; None for other tests."""
    misfit = MISFITS.get(getattr(getattr(node, "test_metadata", None), "name", ""))
    mart = str(getattr(node, "attached_node", "")).rpartition(".")[2]
    found = path_of_column(mart, node.column_name) if misfit and getattr(node, "column_name", None) else None
    return advice(misfit, found.source, found.path) if misfit and found else None


def _pair(name: str, value: Any) -> str:
    """Return a column and its value in one line, whatever line ends the value holds."""
    text = shown(str(value))
    return f"{name}={text if len(text) <= MAX_CHARACTERS else f'{text[:MAX_CHARACTERS]}…'}"
