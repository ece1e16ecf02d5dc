"""Says where each second of a dbt build goes: imports, parsing, models, tests, and what is between and after them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from benchmarks.tables import print_table
from warehouse.dbt_login import target_folder

SLOWEST = 10
# Work in a new process: it prints when dbt was imported, in seconds since 1970.
TIMED = """
import sys, time
import dbt.cli.main
imported = time.time()
from pipeline.dbt.build import build, build_if_changed
{}
print(imported)
"""
BUILD, STAGE = "build(*sys.argv[1:])", "print(build_if_changed()[1])"


@dataclass(frozen=True)
class NodeTime:
    """When dbt worked on one model, test or hook, in seconds since 1970."""

    name: str
    kind: str
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


def profiled_build(*arguments: str) -> float:
    """Build in a new process, print where its time goes, and return its seconds, start-up included."""
    return _profiled(BUILD, *arguments)


def profiled_stage() -> float:
    """Do the same with the stage of a run, which builds only what depends on the sources that have changed."""
    return _profiled(STAGE)


def _profiled(code: str, *arguments: str) -> float:
    started = time.time()
    command = [sys.executable, "-c", TIMED.format(code), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    ended = time.time()
    if ran.returncode != 0:
        raise click.ClickException(f"dbt build failed: {ran.stderr.strip() or ran.stdout.strip()}")
    nodes = read_node_times(target_folder() / "run_results.json")
    show_build(nodes, started=started, imported=float(ran.stdout.split()[-1]), ended=ended)
    return ended - started


def read_node_times(run_results: Path) -> list[NodeTime]:
    """Return the nodes of dbt's `run_results.json` that it worked on, in the order in which they began."""
    found = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return sorted((node for entry in found for node in _node_time(entry)), key=lambda node: node.started)


def phases(nodes: list[NodeTime], *, started: float, imported: float, ended: float) -> dict[str, float]:
    """Return phase → seconds: they follow each other and add up to the whole command."""
    first, last = min(node.started for node in nodes), max(node.ended for node in nodes)
    return {
        "start of Python, imports": imported - started,
        "connection, parsing, compiling": first - imported,
        "models and tests": last - first,
        "artefacts, failing rows, end": ended - last,
    }


def by_kind(nodes: list[NodeTime]) -> dict[str, tuple[int, float]]:
    """Return kind → number of nodes and their seconds, added up over dbt's threads."""
    found: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for node in nodes:
        number, seconds = found[node.kind]
        found[node.kind] = (number + 1, seconds + node.seconds)
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def show_build(nodes: list[NodeTime], *, started: float, imported: float, ended: float) -> None:
    """Print the phases of a build, its nodes by kind, and the slowest ones."""
    taken = phases(nodes, started=started, imported=imported, ended=ended)
    print_table(
        {"where the time of the build goes": 44, "nodes": 10, "seconds": 10},
        [
            *((name, "", f"{seconds:.2f}") for name, seconds in taken.items()),
            *(
                (f"  in its threads: {kind}", f"{number}", f"{seconds:.2f}")
                for kind, (number, seconds) in by_kind(nodes).items()
            ),
            *(
                (f"  {node.name}"[:44], "", f"{node.seconds:.2f}")
                for node in sorted(nodes, key=lambda node: -node.seconds)[:SLOWEST]
            ),
        ],
    )


def _node_time(entry: dict[str, Any]) -> Iterator[NodeTime]:
    times = [moment for timing in entry["timing"] for moment in (timing["started_at"], timing["completed_at"])]
    if times and all(times):
        kind, _, name = entry["unique_id"].partition(".")
        moments = [datetime.fromisoformat(moment).timestamp() for moment in times]
        yield NodeTime(name.partition(".")[2], kind, min(moments), max(moments))
