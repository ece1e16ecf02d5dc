"""Times `waybill backup` of the warehouse that exists beside plain pg_dump, in turns, and compares the sizes.

pg_dump writes the database alone. A backup adds models, declarations, hashes of the marts and a checksum of every file,
and makes sure that all of it is on the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.tables import medians, print_table
from pipeline.backups.known import forget_deleted
from pipeline.backups.making.backup import back_up
from pipeline.backups.programs import jobs, started
from warehouse.connection import connection_parameters, current_warehouse

PIPED, PARALLEL, BACKUP = "pg_dump -Fc", f"pg_dump -Fd -j {jobs()}", "waybill backup"


@click.command(help=__doc__)
@click.option("--runs", default=3, show_default=True, type=click.IntRange(min=1))
def main(runs: int) -> None:
    """Run each of them in turns and print medians."""
    connection_parameters("owner")
    ways: dict[str, Callable[[Path], None]] = {
        PIPED: lambda folder: _dump("--format=custom", f"--file={folder}/dump"),
        PARALLEL: lambda folder: _dump("--format=directory", f"--jobs={jobs()}", f"--file={folder}/dump"),
        BACKUP: _back_up,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, int] = {}
    for _ in range(runs):
        for name, way in ways.items():
            with _folder() as folder:
                start = time.monotonic()
                way(folder)
                seconds[name].append(time.monotonic() - start)
                sizes[name] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    middle = medians(seconds)
    ratios = {name: took / middle[PARALLEL] for name, took in middle.items()}
    print_table(
        {"way": 20, "seconds": 10, "ratio": 8, "MB": 10},
        ([name, f"{middle[name]:.1f}", f"{ratios[name]:.2f}", f"{sizes[name] / 1e6:.0f}"] for name in ways),
    )


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="waybill-bench-") as name:
        yield Path(name)


def _dump(*arguments: str) -> None:
    with started(current_warehouse(), "benchmark", "pg_dump", arguments) as program:
        if program.wait():
            raise click.ClickException(program.errors())


def _back_up(folder: Path) -> None:
    made = back_up(folder / "backups").folder
    forget_deleted([made] if made else [])  # this folder goes


if __name__ == "__main__":
    main()
