# waybill: sample
"""`python -m benchmarks.model`: the sample's model beside a probe's figures, and what training and scoring cost."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.databases import bench_database
from benchmarks.machine import description
from benchmarks.model.copies import SavedMart, save_mart, scratch_mart
from benchmarks.model.costs import Cost, measure
from benchmarks.model.probe import NONE, print_beside_probe, print_candidates
from benchmarks.tables import print_table
from ml.errors import NoModel
from ml.registry.artefact import current_manifest
from ml.task import read_task
from pipeline.showcase.demo import TASK as SMALL_TASK
from pipeline.showcase.own_database import database_of
from waybill.cli import run
from waybill.settings import get_settings

TASK = "flight_delays"
MEGABYTE = 1e6
COLUMNS = {"what": 32, "copies": 8, "rows": 12, "seconds": 10, "rows/s": 12, "peak MB": 10, "× seconds": 12,
           "× memory": 11}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One training and one scoring of so many copies of the rows."""

    rows: int
    manifest: dict[str, Any]
    train: Cost
    score: Cost


@click.command(
    help="Example: python -m benchmarks.model --times 10\n\nShow the current model's figures beside a probe's, then "
    "time train and score on a copy of the mart's rows in a scratch database."
)
@click.option("--times", default=1, show_default=True, type=click.IntRange(1, 50), help="Also on so many copies.")
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1, 20), help="How often; shows medians.")
@click.option("--small", is_flag=True, help="The demo's database and model, which show the steps, nothing more.")
def main(times: int, runs: int, small: bool) -> None:
    """Print the figures, then the costs; the user's database is only read."""
    if small:
        os.environ["WAYBILL_MODELS"] = str(get_settings().models_folder / "demo")
        os.environ["PGDATABASE"] = database_of("demo")
    name = SMALL_TASK if small else TASK
    current = current_manifest(name)
    if current is None:
        raise NoModel(f"no model for {name}: run `make {'demo' if small else 'pipeline'}` first")
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as scratch:
        saved = save_mart(read_task(name).task, Path(scratch) / "mart")
        with bench_database() as parameters:
            click.echo(description(parameters))
        print_beside_probe(current)
        click.echo()
        print_candidates(current)
        found = {
            copies: [
                measure_costs(saved, copies, Path(scratch) / f"models-{copies}-{number}") for number in range(runs)
            ]
            for copies in sorted({1, times})
        }
    click.echo(f"\nmodel {current['model_id']}; the timed training {compare_figures(current, found[1][0].manifest)}\n")
    print_costs(found)
    click.echo(
        f"medians of {runs}; train and score with the start-up of their commands; fits run two at once; peak: the "
        "command with all processes that it starts, without PostgreSQL"
    )


def measure_costs(saved: SavedMart, copies: int, models: Path) -> Run:
    """Train and score so many copies of the rows in a scratch database and an empty folder of models."""
    name = saved.task.task
    variables = {"WAYBILL_MODELS": str(models)}
    with scratch_mart(saved, copies) as rows:
        train, score = (measure(module, "--task", name, variables=variables) for module in ("ml.train", "ml.score"))
    (manifest,) = models.glob(f"{name}/*/manifest.json")
    return Run(rows, json.loads(manifest.read_text(encoding="utf-8")), train, score)


def compare_figures(current: dict[str, Any], timed: dict[str, Any]) -> str:
    """Return whether two models have the same figures, as they have if rows, features and libraries are the same."""
    if _figures(current) == _figures(timed):
        return "reached the same figures"
    return "reached other figures: rows, features or libraries have changed since that model was trained"


def _figures(manifest: dict[str, Any]) -> Any:
    candidates = manifest["candidates"].items()
    measured = {name: {one: found.get(one) for one in ("validation", "test")} for name, found in candidates}
    return manifest["chosen"], manifest["metrics"], measured


def print_costs(found: dict[int, list[Run]]) -> None:
    """Print for each number of copies the seconds and the memory of each part, and their ratios to one copy's."""
    parts = {copies: list(_parts(runs)) for copies, runs in found.items()}
    once = {what: (seconds, peak) for what, _, seconds, peak in parts[1]}
    print_table(COLUMNS, (_row(copies, part, once[part[0]]) for copies in parts for part in parts[copies]))


Part = tuple[str, int, float, float | None]  # what, rows, seconds and bytes


def _parts(runs: list[Run]) -> Iterator[Part]:
    manifest = runs[0].manifest
    for name, candidate in manifest["candidates"].items():
        seconds = statistics.median(run.manifest["candidates"][name]["seconds"] for run in runs)
        yield f"fit {name}", candidate["rows"], seconds, None
    for what, rows in {"train": manifest["rows"]["learnt_from"], "score": runs[0].rows}.items():
        costs: list[Cost] = [getattr(run, what) for run in runs]
        peak = statistics.median(one.peak_bytes for one in costs)
        yield what, rows, statistics.median(one.seconds for one in costs), peak


def _row(copies: int, part: Part, once: tuple[float, float | None]) -> list[str]:
    what, rows, seconds, peak = part
    memory = NONE if peak is None else f"{peak / MEGABYTE:,.0f}"
    return [
        what,
        str(copies),
        f"{rows:,}",
        f"{seconds:.1f}",
        f"{rows / seconds:,.0f}" if seconds else NONE,
        memory,
        *map(_ratio, part[2:], once),
    ]


def _ratio(value: float | None, once: float | None) -> str:
    return f"{value / once:.2f}" if value is not None and once else NONE


if __name__ == "__main__":
    run(main, "python -m benchmarks.model")
