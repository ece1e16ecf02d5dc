"""Shows what was measured, as lines and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.table import Table

from pipeline.consumption.energy import describe
from pipeline.consumption.meter import Use
from warehouse.ledger import StageRun

ALL_COLUMNS = ("s", "CPU s", "core", "peak MB", "mean MB", "read MB", "written MB", "rows", "rows/CPU s", "J", "CO2 mg")
COLUMNS = tuple(name for name in ALL_COLUMNS if name not in ("mean MB", "rows", "CO2 mg"))  # fit in a terminal


def use_lines(use: Use) -> list[str]:
    """Return what some work used: a line each for time, CPU, memory, disk and energy."""
    share = 100 * use.cpu_seconds / use.wall_seconds if use.wall_seconds else 0.0
    seen = [f"{part.part} {part.cpu_seconds:.2f} s" for part in use.parts if part.cpu_seconds is not None]
    joules, grams = use.energy.joules, use.energy.grams_co2
    return [
        f"wall     {use.wall_seconds:.2f} s",
        f"CPU      {use.cpu_seconds:.2f} s, {share:.0f} % of a core: {', '.join(seen)}",
        f"memory   {megabytes(use.peak_bytes)} MB at most, {megabytes(use.mean_bytes)} MB on average",
        f"disk     {megabytes(use.read_bytes)} MB read, {megabytes(use.written_bytes)} MB written",
        f"energy   {joules:.1f} J above idle, {1000 * grams:.2g} mg of CO2 ({use.energy.description})",
        *(f"{part.part}: {part.unseen}" for part in use.parts if part.unseen),
    ]


def stage_table(stages: Sequence[StageRun]) -> Table:
    """Return the stages of a run as a table."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("stage", no_wrap=True)
    for name in COLUMNS:
        shown.add_column(name, justify="right")
    for stage in stages:
        cells = figures(stage)
        shown.add_row(stage.stage, *(cells[name] for name in COLUMNS))
    return shown


def figures(stage: StageRun) -> dict[str, str]:
    """Return column name → cell of a stage's row."""
    return {
        "s": f"{stage.wall_seconds:.1f}",
        "CPU s": f"{stage.cpu_seconds:.1f}",
        "core": f"{100 * stage.cpu_seconds / stage.wall_seconds if stage.wall_seconds else 0:.0f} %",
        "peak MB": megabytes(stage.peak_bytes),
        "mean MB": megabytes(stage.mean_bytes),
        "read MB": megabytes(stage.read_bytes),
        "written MB": megabytes(stage.written_bytes),
        "rows": f"{stage.rows:,}",
        "rows/CPU s": f"{stage.rows / stage.cpu_seconds:,.0f}" if stage.rows and stage.cpu_seconds else "–",
        "J": f"{stage.energy_joules:.1f}",
        "CO2 mg": f"{1000 * stage.co2_grams:.1f}",
    }


def sum_up(stages: Sequence[StageRun]) -> str:
    """Return one line about a whole run."""
    cpu = sum(stage.cpu_seconds for stage in stages)
    servers = sum(part.cpu_seconds or 0 for stage in stages for part in stage.parts if part.part != "commands")
    peak = max(stage.peak_bytes + _peak_beside(stage, stages) for stage in stages)
    joules, grams = sum(stage.energy_joules for stage in stages), sum(stage.co2_grams for stage in stages)
    return (
        f"used {cpu:.0f} s of CPU, {servers:.0f} s of it in servers; {megabytes(peak)} MB of memory at most; "
        f"{joules / 3600:.2g} Wh above idle, {grams:.2g} g of CO2"
    )


def _peak_beside(stage: StageRun, stages: Sequence[StageRun]) -> int:
    """Return the most memory that a stage of the run's other process had, if it ran at the same time as this one."""
    return max((one.peak_bytes for one in stages if one is not stage and _overlap(one, stage)), default=0)


def _overlap(one: StageRun, other: StageRun) -> bool:
    first, second = sorted([one, other], key=lambda stage: stage.started_at)
    return second.started_at < first.started_at + timedelta(seconds=first.wall_seconds)


def methods(stages: Sequence[StageRun]) -> list[str]:
    """Return how the energy was determined and what could not be measured, without repetition."""
    found = [describe(stage.energy_method, stage.assumptions) for stage in stages]
    found += [f"{part.part}: {part.unseen}" for stage in stages for part in stage.parts if part.unseen]
    return list(dict.fromkeys(found))


def megabytes(size: int | None) -> str:
    """Return bytes as megabytes, or a dash if they could not be read."""
    return "–" if size is None else f"{size / 1e6:,.1f}" if size < 10e6 else f"{size / 1e6:,.0f}"
