"""Finds the models and tests that depend on a source, so that a build can leave out all others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

MADE = ("model", "seed", "snapshot")
VIEWS = ("view", "stable_view")
SELECTABLE = re.compile(r"[\w.]+")
NAMES = re.compile(r'(?:"[^"]+"|\w+)(?:\s*\.\s*(?:"[^"]+"|\w+))+')
OUTCOMES = "intermediate.document_outcomes"  # a hook makes it from all sources: macros/documents/unite_outcomes.sql


class Graph:
    """Models, tests, seeds and snapshots of dbt's manifest, and which of them read which.

    A source is named by schema and table, such as `raw.orders`; anything else by its id in the manifest.
    """

    def __init__(self, nodes: Mapping[str, Any], *, reads_queries: bool = False) -> None:
        """Note the readers of each node and source: by `ref` and `source` or, on request, by naming its table."""
        self._nodes = nodes
        self._relations = {(node.schema, node.alias): name for name, node in nodes.items() if _is_made(node)}
        self._parents = {
            name: {*map(_key, node.depends_on_nodes), *(self._named(node) if reads_queries else ())}
            for name, node in nodes.items()
        }
        self._readers: dict[str, list[str]] = defaultdict(list)
        for name, parents in self._parents.items():
            for parent in parents:
                self._readers[parent].append(name)

    def after(self, *starts: str) -> set[str]:
        """Return what reads nodes or sources, directly or through others."""
        found: set[str] = set()
        waiting = list(starts)
        while waiting:
            new = set(self._readers.get(waiting.pop(), [])) - found
            found |= new
            waiting.extend(new)
        return found

    def downstream(self, *starts: str) -> tuple[set[str], list[str]]:
        """Return what is built from nodes or sources, and those dimensions in it that `after` does not find.

        A dimension that has inferred rows for what a mart refers to is built from that mart, too.
        """
        found, dimensions = self.after(*starts), list[str]()
        waiting = list(found)
        while waiting:
            for dimension in self._inferring(waiting.pop()):
                if dimension not in found:
                    dimensions.append(dimension)
                    new = ({dimension} | self.after(dimension)) - found
                    found |= new
                    waiting.extend(new)
        return found, dimensions

    def names_by_source(self) -> dict[str, list[str]]:
        """Return source → the names of what has to be built if only its documents have changed; empty if in doubt.

        What reads a table that is no raw table is always in it, and so is what may be built before a mart adds the
        members that it refers to.
        """
        if not all(SELECTABLE.fullmatch(node.name) for node in self._nodes.values()) or not self._is_complete():
            return {}
        sources = {parent for parents in self._parents.values() for parent in parents if parent.count(".") == 1}
        raw = {source for source in sources if source.startswith("raw.")}
        always = [*sources - raw, *self._read_while_inferred()]
        return {
            source.removeprefix("raw."): sorted(
                {self._nodes[name].name for name in self.downstream(source, *always)[0]}
            )
            for source in sorted(raw)
        }

    def _is_complete(self) -> bool:
        """Return True if each parent that is no node is a source, or a part of its reader's query: `ephemeral`."""
        return all(
            parent in self._nodes
            or parent.count(".") == 1
            or f"__dbt__cte__{parent.rpartition('.')[2]}" in str(self._nodes[name].compiled_code)
            for name, parents in self._parents.items()
            for parent in parents
        )

    def _read_while_inferred(self) -> Iterator[str]:
        """Yield the dimensions to which marts may add members after a model has read them."""
        for dimension in {dimension for name in self._nodes for dimension in self._inferring(name)}:
            if any(_is_made(node) and node.config.materialized not in VIEWS for node in self._after_nodes(dimension)):
                yield dimension

    def _after_nodes(self, start: str) -> Iterator[Any]:
        return (self._nodes[name] for name in self.after(start))

    def _inferring(self, name: str) -> list[str]:
        """Return the dimensions that a model refers to: see macros/references."""
        columns = getattr(self._nodes[name], "columns", {}).values()
        marts = {column.config.meta["refers_to"] for column in columns if column.config.meta.get("refers_to")}
        return [
            other
            for other, node in self._nodes.items()
            if marts and node.resource_type == "model" and node.alias in marts and "is_inferred" in node.columns
        ]

    def _named(self, node: Any) -> Iterable[str]:
        """Yield the tables that the query of a node names, compiled or as a template, or that its hooks name."""
        hooks = [*getattr(node.config, "pre_hook", []), *getattr(node.config, "post_hook", [])]
        texts = [getattr(node, "compiled_code", None), node.raw_code, *(hook.sql for hook in hooks)]
        for path in NAMES.findall(" ".join(filter(None, texts))):
            for schema, table in pairwise(part.strip().strip('"') for part in path.split(".")):
                relation = self._relations.get((schema, table))
                if relation and self._nodes[relation] is not node:
                    yield relation
                elif schema == "raw" or f"{schema}.{table}" == OUTCOMES:
                    yield f"{schema}.{table}"


def _is_made(node: Any) -> bool:
    return str(node.resource_type) in MADE


def _key(parent: str) -> str:
    """Return the name of a parent in the graph: `source.waybill.raw.orders` is `raw.orders`."""
    return ".".join(parent.split(".")[2:]) if parent.startswith("source.") else parent
