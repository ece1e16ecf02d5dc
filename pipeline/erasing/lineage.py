"""Finds in dbt's manifest which models, tests and seeds can hold copies of a source's documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.dbt.build import parse
from pipeline.dbt.downstream import Graph
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
    """The nodes and macros of dbt's manifest, and the names of the sources in it."""

    nodes: dict[str, Any]
    sources: Collection[str]
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
        """Return what is built from the source, and the dimensions that infer rows for it; nothing without models."""
        if source not in self.sources:
            return Downstream(source, ())
        found, dimensions = Graph(self.nodes).downstream(f"raw.{source}")
        selection = [f"source:raw.{source}+"] if found else []
        selection += [f"{self.nodes[dimension].name}+" for dimension in dimensions]
        return Downstream(source, tuple(self._relations(found)), tuple(selection))

    def readers_of(self, marts: Iterable[str]) -> list[Relation]:
        """Return what is built from some marts, directly or through others."""
        wanted = set(marts)
        starts = [n for n, node in self.nodes.items() if node.resource_type == "model" and node.alias in wanted]
        return self._relations(Graph(self.nodes).after(*starts))

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
    sources = [node.name for node in manifest.sources.values() if node.source_name == "raw"]
    return Lineage(nodes, sources, dict(manifest.macros))
