"""Lists what becomes null, or no rows, and cannot be distinguished in the marts any more: null, absent, `{}`, `[]`."""

from __future__ import annotations

from pipeline.modelling.deciding.structure.tables import Structure
from pipeline.modelling.design import JSON
from pipeline.modelling.profiling.profile import Kind, Node


def merged_paths(found: Structure) -> tuple[tuple[str, str], ...]:
    """Return path and counts, in the order of the paths, of everything but paths that are left out."""
    kept = {column.path_text for table in found.tables for column in table.columns if column.type == JSON}
    counted = {
        path: merged_values(node, is_column=path in kept)
        for path, node in found.nodes.items()
        if path not in found.flags.left_out
    }
    return tuple((path, counts) for path, counts in sorted(counted.items()) if counts)


def merged_values(node: Node, *, is_column: bool) -> str | None:
    """Return the counts of what becomes null, or no rows, at a path; None if nothing but absent members does.

    `is_column` says that the value is kept as JSON, so that only null and absent are merged.
    """
    empties: dict[Kind, str] = {"empty object": "{}", "empty array": "[]"} if not is_column else {}
    counts = {"null": node.kinds["null"]} | {shown: node.kinds[kind] for kind, shown in empties.items()}
    if not any(counts.values()):
        return None
    counts["absent"] = max(0, node.parents - sum(node.kinds.values()))
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
