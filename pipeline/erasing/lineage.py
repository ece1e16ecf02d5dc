"""Finds in dbt's manifest which models, tests and seeds can hold copies of a source's documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.dbt.build import parse
from pipeline.erasing.kinds import REFUSED, WITHOUT_ROWS, Kind, Relation, relation_of

BUILT = ("model", "seed", "snapshot", "test")


@dataclass(frozen=True)
class Downstream:
    """What is built from a source, directly or through others; `selection` is how dbt selects it."""

    source: str
    relations: tuple[Relation, ...]
    selection: tuple[str, ...] = ()

    def of(self, *kinds: Kind) -> list[Relation]:
        """Return the relations of some kinds."""
        return [relation for relation in self.relations if relation.kind in kinds]

    @property
    def stored(self) -> list[Relation]:
        """The relations that hold rows; some may not be in the database yet."""
        return [relation for relation in self.relations if relation.kind not in WITHOUT_ROWS]

    @property
    def refused(self) -> list[Relation]:
        """The relations from which no run can remove a row."""
        return self.of(*REFUSED)


@dataclass(frozen=True)
class Lineage:
    """The nodes and macros of dbt's manifest, and the id of each source in it."""

    nodes: dict[str, Any]
    sources: dict[str, str]
    macros: dict[str, Any] = field(default_factory=dict)

    @property
    def relations(self) -> list[Relation]:
        """All relations that the project makes, seeds included."""
        return self._relations(self.nodes)

    @property
    def seeds(self) -> list[Relation]:
        """The seeds: tables of files that the project contains."""
        return [relation for relation in self.relations if relation.kind == Kind.SEED]

    def downstream(self, source: str) -> Downstream:
        """Return what is built from the source; nothing if dbt has no models of it.

        A dimension that has inferred rows for what a mart refers to is built from that mart, too.
        """
        readers = self._readers()
        found = self._after(self.sources.get(source, ""), readers)
        selection = [f"source:raw.{source}+"] if found else []
        waiting = list(found)
        while waiting:
            for dimension in self._inferring(waiting.pop()):
                if dimension not in found:
                    selection.append(f"{self.nodes[dimension].name}+")
                    new = ({dimension} | self._after(dimension, readers)) - found
                    found |= new
                    waiting.extend(new)
        return Downstream(source, tuple(self._relations(found)), tuple(selection))

    def readers_of(self, marts: Iterable[str]) -> list[Relation]:
        """Return what is built from some marts, directly or through others."""
        readers, found = self._readers(), set[str]()
        for name, node in self.nodes.items():
            if node.resource_type == "model" and node.alias in set(marts):
                found |= self._after(name, readers)
        return self._relations(found)

    def _readers(self) -> dict[str, list[str]]:
        readers: dict[str, list[str]] = defaultdict(list)
        for name, node in self.nodes.items():
            for parent in node.depends_on_nodes:
                readers[parent].append(name)
        return readers

    def _after(self, start: str, readers: dict[str, list[str]]) -> set[str]:
        found: set[str] = set()
        waiting = list(readers.get(start, []))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(readers.get(name, []))
        return found

    def _inferring(self, name: str) -> list[str]:
        """Return the dimensions that a model refers to: see macros/references."""
        columns = getattr(self.nodes[name], "columns", {}).values()
        marts = {column.config.meta["refers_to"] for column in columns if column.config.meta.get("refers_to")}
        return [
            other
            for other, node in self.nodes.items()
            if node.resource_type == "model" and node.alias in marts and "is_inferred" in node.columns
        ]

    def _relations(self, names: Iterable[str]) -> list[Relation]:
        found = (relation_of(name, self.nodes[name]) for name in names)
        return sorted(relation for relation in found if relation)


def read_lineage() -> Lineage:
    """Parse the dbt project.

    Raises:
        DbtFailed: dbt could not read the project.
    """
    manifest = parse()
    nodes = {name: node for name, node in manifest.nodes.items() if node.resource_type in BUILT}
    sources = {node.name: name for name, node in manifest.sources.items() if node.source_name == "raw"}
    return Lineage(nodes, sources, dict(manifest.macros))
