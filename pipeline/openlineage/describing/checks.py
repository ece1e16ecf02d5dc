"""Describes a checkpoint: the tables that its assets read, with the outcome of each expectation."""

from __future__ import annotations

from typing import Any

from pipeline.openlineage.datasets import Assertion, Described, table
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader


def describe_checkpoint(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the tables that were validated. What an expectation expects or observed is left out: it may be a value.

    An asset that joins tables of the ledger checks the rows of its raw table, not those of the ledger.
    """
    found = change.begun.work.found
    outcomes = {result.suite_name: result.results for result in found.get("results", [])}
    assertions: dict[str, list[Assertion]] = {}
    for asset in found.get("assets", []):
        checked = {name for name in asset.tables if name.startswith(f"{asset.edge}.")} or asset.tables
        for name in asset.tables:
            results = outcomes.get(asset.name, []) if name in checked else []
            assertions.setdefault(name, []).extend(_assertion(asset.name, one) for one in results)
    return Described(
        [table(reader, *name.split(".")).as_input(assertions=results) for name, results in sorted(assertions.items())]
    )


def _assertion(suite: str, outcome: Any) -> Assertion:
    configuration = outcome.expectation_config
    return Assertion(
        assertion=configuration.type,
        success=bool(outcome.success),
        column=configuration.kwargs.get("column"),
        severity="error" if configuration.severity in (None, "critical") else "warn",
        name=suite,
        params=None,
    )
