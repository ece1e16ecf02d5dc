"""How a relation of the warehouse gets its rows, and with it, how an erasure reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DELETING_HOOKS = ("delete_rows_not_current", "delete_rows_without_parent")


class Kind(StrEnum):
    """How a relation gets its rows, and with it, how an erasure reaches it."""

    VIEW = "view"  # holds no rows
    TABLE = "table"  # every run makes it again
    MATERIALIZED_VIEW = "materialized view"  # every run refreshes it
    BY_BATCHES = "incremental by batches"  # it processes an erasure like a batch
    REBUILT = "incremental, rebuilt after an erasure"  # it knows nothing of batches: should_full_refresh.sql
    FAILURES = "stored test failures"  # every run of the test makes them again
    SEED = "seed"  # comes from a file of the project, never from a source
    SNAPSHOT = "snapshot"  # keeps what is gone: no run removes a row
    KEPT = "incremental, never rebuilt"  # full_refresh: false
    UNKNOWN = "unknown materialization"
    OUTSIDE_TABLE = "table that refers to a mart, of no model"
    OUTSIDE_VIEW = "materialized view of no model"
    LEFT_OVER = "table of no model"


REFUSED = (Kind.SNAPSHOT, Kind.KEPT, Kind.UNKNOWN)
WITHOUT_ROWS = (Kind.VIEW,)
MATERIALIZED = {
    "view": Kind.VIEW,
    "stable_view": Kind.VIEW,
    "table": Kind.TABLE,
    "materialized_view": Kind.MATERIALIZED_VIEW,
}


@dataclass(frozen=True, order=True)
class Relation:
    """A relation of the warehouse that can hold rows of documents; `node` is its id in dbt's manifest, if any."""

    schema: str
    name: str
    kind: Kind
    node: str | None = None

    def __str__(self) -> str:
        """Return schema and name."""
        return f"{self.schema}.{self.name}"


def relation_of(name: str, node: Any) -> Relation | None:
    """Return the relation that a node makes; None for one that makes none."""
    kind = _kind(node)
    return Relation(node.schema, node.alias, kind, name) if kind else None


def _kind(node: Any) -> Kind | None:
    if node.resource_type == "test":
        return Kind.FAILURES if node.config.store_failures else None
    if node.resource_type in ("seed", "snapshot"):
        return Kind(str(node.resource_type))
    materialized = node.config.materialized
    if materialized == "incremental":
        return _kind_of_incremental(node)
    return None if materialized == "ephemeral" else MATERIALIZED.get(materialized, Kind.UNKNOWN)


def _kind_of_incremental(node: Any) -> Kind:
    """Return how an erasure reaches an incremental model, as macros/rebuilds/follows_batches.sql decides it."""
    if _follows_batches(node):
        return Kind.BY_BATCHES
    return Kind.KEPT if node.config.full_refresh is False else Kind.REBUILT


def _follows_batches(node: Any) -> bool:
    if "deduplicated" in node.fqn or node.config.meta.get("returns_every_row"):
        return True
    before, after = (" ".join(hook.sql for hook in hooks) for hooks in (node.config.pre_hook, node.config.post_hook))
    deletes = any(name in after for name in DELETING_HOOKS) or _is_part_of_another(node)
    return "process_new_batches" in before and deletes


def _is_part_of_another(node: Any) -> bool:
    """Return whether its rows go with the rows that they refer to: see macros/keys/sync_foreign_keys.sql."""
    keys = [list(constraint.columns) for constraint in node.constraints if constraint.type == "primary_key"]
    own = [(list(constraint.columns), constraint) for constraint in node.constraints]
    of_columns = [([name], constraint) for name, column in node.columns.items() for constraint in column.constraints]
    return any(
        columns in keys or "cascade" in (constraint.expression or "").lower()
        for columns, constraint in _foreign_keys([*own, *of_columns])
    )


def _foreign_keys(constraints: Iterable[tuple[list[str], Any]]) -> list[tuple[list[str], Any]]:
    return [(columns, constraint) for columns, constraint in constraints if constraint.type == "foreign_key"]
