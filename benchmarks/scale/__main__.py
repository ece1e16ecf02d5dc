# waybill: sample
"""`python -m benchmarks.scale`: runs all stages on 1, 3 and 10 years, and shows how each one grows."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks.machine import description
from benchmarks.scale.growth import draw, exponent
from benchmarks.scale.measuring import Use
from benchmarks.scale.own_server import own_server
from benchmarks.scale.sizes import Size, read_sizes
from benchmarks.scale.steps import measure_steps
from benchmarks.scale.years import Extent, write_raw
from benchmarks.tables import print_row, print_table
from warehouse.connection import connection_parameters
from waybill.cli import run
from waybill.settings import get_settings, relative_name

ALL_MONTHS = range(1, 13)
QUICK = (Extent(1, range(1, 2), 1), Extent(2, range(1, 3), 1))  # January, then February with it
MEGABYTE = 1e6
SHOWN_TABLES = 12
COLUMNS = {"step": 24, "×": 4, "flights": 11, "seconds": 9, "CPU s": 9, "command MB": 12, "largest MB": 12,
           "server MB": 11, "written MB": 12, "WAL MB": 9}  # fmt: skip


@dataclass
class Measured:
    """What was measured at one size."""

    extent: Extent
    flights: int
    uses: dict[str, Use] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)


@click.command(
    help="Example: python -m benchmarks.scale --times 1 --times 3\n\nRun all stages, undo, erase and vacuum on the "
    "sample's year and on several years, each on a new server, and show how time, memory and disk space grow."
)
@click.option(
    "--times", multiple=True, default=(1, 3, 10), show_default=True, type=click.IntRange(1, 10), help="How many years."
)
@click.option("--quick", is_flag=True, help="One month and two, without the model.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="[default: scale.svg in the reports]")
def main(times: tuple[int, ...], quick: bool, plot: Path | None) -> None:
    """Measure each size, print the figures as they come, then growth and sizes."""
    path = plot or get_settings().reports_folder / "scale.svg"
    extents = QUICK if quick else [Extent(years, ALL_MONTHS, years) for years in sorted(set(times))]
    found = [measure_extent(extent, is_first=extent is extents[0], has_models=not quick) for extent in extents]
    if len(found) > 1:
        show_growth(found)
        draw_growth(path, found)
    show_sizes(found)


def measure_extent(extent: Extent, *, is_first: bool, has_models: bool) -> Measured:
    """Measure all steps at one size on a new server, and print each as soon as it has ended."""
    with own_server() as folder:
        if is_first:
            click.echo(description(connection_parameters("owner")))
        measured = Measured(extent, write_raw(folder / "raw", extent))
        if is_first:
            print_table(COLUMNS, [])
        for name, use in measure_steps(folder / "raw", has_models=has_models):
            measured.uses[name] = use
            print_row(COLUMNS, _row(measured, name))
            if name == "all again, nothing new":
                measured.sizes = read_sizes()
    return measured


def _row(measured: Measured, name: str) -> list[str]:
    use = measured.uses[name]
    sizes = (use.peak_bytes, use.largest_bytes, use.server_bytes, use.written_bytes, use.wal_bytes)
    return [
        name,
        str(measured.extent.times),
        f"{measured.flights:,}",
        f"{use.seconds:.1f}",
        f"{use.cpu_seconds:.1f}",
        *(f"{size / MEGABYTE:,.0f}" for size in sizes),
    ]


def show_growth(found: list[Measured]) -> None:
    """Print for each step the exponents of its growth over all sizes, and between the two largest."""
    click.echo("\nexponents of growth: 1 is linear, 0 is constant; in brackets between the two largest sizes")
    rows = [one.flights for one in found]
    measures = {"seconds": "seconds", "CPU s": "cpu_seconds", "command MB": "peak_bytes", "server MB": "server_bytes",
                "written MB": "written_bytes"}  # fmt: skip
    table = []
    for name in found[0].uses:
        values = [[float(getattr(one.uses[name], measure)) for one in found] for measure in measures.values()]
        table.append([name, *(f"{exponent(rows, one):.2f} ({exponent(rows[-2:], one[-2:]):.2f})" for one in values)])
    print_table({"step": 24, **dict.fromkeys(measures, 15)}, table)


def draw_growth(path: Path, found: list[Measured]) -> None:
    """Draw CPU seconds and peak memory of each step; say where, or that the library for it is missing."""
    seconds, memory = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for one in found:
        for name, use in one.uses.items():
            seconds[name].append(use.cpu_seconds)
            memory[name].append((use.peak_bytes + use.server_bytes) / MEGABYTE)
    try:
        draw(path, [one.flights for one in found], seconds, memory)
    except ImportError:
        click.echo("no plot: `make setup-dev` installs matplotlib")
    else:
        click.echo(f"plot: {relative_name(path)}")


def show_sizes(found: list[Measured]) -> None:
    """Print the sizes of the largest tables and their indexes after the first run, and of all tables together."""
    click.echo("\ntable + indexes in MB after the first run")
    names = list(found[-1].sizes)
    together = {name: [one.sizes.get(name, Size(0, 0)) for one in found] for name in names}
    together["all tables"] = [
        Size(*(sum(getattr(size, part) for size in one.sizes.values()) for part in ("table_bytes", "index_bytes")))
        for one in found
    ]
    print_table(
        {"table": 50, **{f"× {one.extent.times}": 18 for one in found}},
        (
            [name, *(f"{size.table_bytes / MEGABYTE:,.1f} + {size.index_bytes / MEGABYTE:,.1f}" for size in sizes)]
            for name, sizes in together.items()
            if name in [*names[:SHOWN_TABLES], "all tables"]
        ),
    )


if __name__ == "__main__":
    run(main, "python -m benchmarks.scale")
