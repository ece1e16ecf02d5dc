"""Describes dbt's models by the manifest of the run, and their tests as assertions about their table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.openlineage.datasets import Assertion, Described, table
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader

Relation = tuple[str, str]  # schema and table


def describe_model(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the tables and views that a model selects from, and its own with the rows that the last run wrote."""
    facts, found = change.begun.work.facts, change.begun.work.found
    is_start = change.state == "START"
    inputs = [] if is_start else sorted(set(_read_by(_read_nodes(facts["manifest"]), facts["unique_id"])))
    own = table(reader, facts["schema"], facts["table"])
    return Described(
        [table(reader, schema, name).as_input() for schema, name in inputs], [own.as_output(rows=found.get("rows"))]
    )


def describe_test(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the tested table with an assertion for each test: its kind and column, not its name or its rows.

    The name of a test may hold the values that it accepts.
    """
    facts, assertions = change.begun.work.facts, change.begun.work.found.get("assertions", [])
    node = _read_nodes(facts["manifest"]).get(facts["unique_id"])
    if node is None or node["is_ephemeral"]:
        return Described()
    return Described(
        [table(reader, *node["relation"]).as_input(assertions=[Assertion(**one, params=None) for one in assertions])]
    )


def _read_by(nodes: dict[str, dict[str, Any]], unique_id: str) -> Iterator[Relation]:
    """Yield the relations of the sources and models that a model reads; an ephemeral model is a part of its readers."""
    waiting, seen = list(nodes.get(unique_id, {}).get("depends_on", [])), {unique_id}
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        node = nodes[name]
        if node["is_ephemeral"]:
            waiting += node["depends_on"]
        else:
            yield node["relation"]


def _read_nodes(manifest: str) -> dict[str, dict[str, Any]]:
    """Return dbt's id → what is needed of a model or source; nothing if dbt has written no manifest."""
    path = Path(manifest)
    try:
        return _read_manifest(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=1)
def _read_manifest(path: Path, _modified: int) -> dict[str, dict[str, Any]]:
    content = json.loads(path.read_bytes())
    return {
        name: {
            "relation": (node["schema"], node.get("identifier") or node.get("alias") or node["name"]),
            "depends_on": node.get("depends_on", {}).get("nodes", []),
            "is_ephemeral": node.get("config", {}).get("materialized") == "ephemeral",
        }
        for kind in ("nodes", "sources")
        for name, node in content[kind].items()
        if node["resource_type"] in ("model", "seed", "snapshot", "source")
    }
