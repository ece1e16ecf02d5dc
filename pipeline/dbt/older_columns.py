"""Names the command that rebuilds models whose tables have older columns than their SQL: PostgreSQL only names one."""

from __future__ import annotations

from typing import Any

from waybill.cli import shown_command

# PostgreSQL's words for a column that the table lacks, and dbt's for `on_schema_change: fail`
SIGNS = (("column", "does not exist"), ("schemas on this incremental model are out of sync",))


def rebuild_hints(results: list[Any]) -> list[str]:
    """Return one line per tag of the incremental models that failed for a column among the results of dbt's runner."""
    failed = [entry.node for entry in results if str(entry.status) == "error" and _is_about_columns(entry)]
    selections = sorted({f" -s tag:{node.tags[0]}" if node.tags else "" for node in failed})
    return [
        f"if columns changed since the last build: `{shown_command('dbt build --full-refresh' + selected)}`"
        for selected in selections
    ]


def _is_about_columns(entry: Any) -> bool:
    is_kept = entry.node.resource_type == "model" and entry.node.config.materialized == "incremental"
    return is_kept and any(all(word in str(entry.message) for word in words) for words in SIGNS)
