"""`make own-json`: takes real record sets from `waybill new` to tested marts, as a new user would; prints a table."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.databases import bench_database
from benchmarks.real_sets.clone import Clone, clone, first_problem, write_outputs
from benchmarks.real_sets.leaves import leaves_landed
from benchmarks.real_sets.packages import files_of
from benchmarks.real_sets.sets import SETS, RealSet
from benchmarks.tables import print_table
from waybill.settings import get_settings

COLUMNS = {"set": 18, "documents": 11, "leaves": 11, "tables": 8, "jsonb": 7, "minutes": 9, "  key": 40}


@dataclass(frozen=True)
class Result:
    """What became of one set. `problem` is the first command that failed, with the end of its output."""

    wanted: RealSet
    minutes: float
    documents: int
    leaves: int
    tables: int
    key: str
    jsonb: tuple[str, ...]
    problem: str | None


@click.command()
@click.option("--only", multiple=True, metavar="SET", help="Only these sets.")
@click.option("--output", type=click.Path(path_type=Path), help="A folder for the whole output of each command.")
def main(only: tuple[str, ...], output: Path | None) -> None:
    """Take each set from its files to tested marts.

    Example: python -m benchmarks.real_sets --only movies
    """
    folder = get_settings().state_folder / "packages"
    with bench_database(), clone() as copied:
        results = [_try(copied, wanted, folder, output) for wanted in SETS if not only or wanted.source in only]
    print_table(COLUMNS, map(_row, results))
    for result in results:
        for line in result.jsonb:
            click.echo(f"{result.wanted.source}: kept as jsonb: {line}")
    broken = [result for result in results if result.problem]
    for result in broken:
        click.echo(f"{result.wanted.source}: {result.problem}", err=True)
    if broken:
        raise SystemExit(1)


def _try(copied: Clone, wanted: RealSet, folder: Path, output: Path | None) -> Result:
    files = files_of(wanted, folder)
    started = time.monotonic()
    ran = copied.model(wanted, files)
    new = ran[0][1]
    minutes = (time.monotonic() - started) / 60
    if output:
        write_outputs(output / f"{wanted.source}.txt", ran)
    problem = first_problem(ran)
    documents, leaves = leaves_landed(wanted.source) if len(ran) > 1 and not ran[1][1].code else (0, 0)
    click.echo(f"{wanted.source}: {minutes:.1f} minutes{', failed' if problem else ''}", err=True)
    found = new.output.splitlines()
    return Result(wanted, minutes, documents, leaves, _tables(found), _key(found), tuple(_jsonb(found)), problem)


def _tables(lines: list[str]) -> int:
    return sum(line.startswith("  marts.") for line in lines)


def _key(lines: list[str]) -> str:
    return next((line.strip().removeprefix("key: ") for line in lines if line.startswith("  key: ")), "")


def _jsonb(lines: list[str]) -> list[str]:
    """Return the columns that were kept as JSON, each with its path and the reason, which may be in lines below."""
    found: list[str] = []
    is_open = False
    for line in lines:
        if re.match(r"    \S+ +jsonb +/", line):
            found.append(" ".join(line.split()))
            is_open = True
        elif is_open and line.startswith(" " * 8):
            found[-1] += f" {line.strip()}"
        else:
            is_open = False
    return found


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.wanted.source,
        f"{result.documents:,}",
        f"{result.leaves:,}",
        str(result.tables),
        str(len(result.jsonb)),
        f"{result.minutes:.1f}",
        f"  {result.key}"[-40:],
    )


if __name__ == "__main__":
    main()
