# waybill: sample
"""`python -m benchmarks.load`: loads the same flight documents with the loader and with its peers, in one run."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.databases import bench_database
from benchmarks.flights_file import (
    write_array,
    write_files,
    write_flights,
    write_halves,
    write_repeated,
    write_with_unknown_field,
)
from benchmarks.load_profile import profile
from benchmarks.machine import description
from benchmarks.peers import environment as peers
from benchmarks.tables import lowest_to_highest, medians, print_table
from loader.load import load
from loader.plan import Request
from waybill.cli import run

GIGABYTE = 1 << 30
ARRAY_BYTES = 300_000_000
SMALL_FILES = 30_000
CEILING = r"psql \copy into one jsonb column"
NO_UNKNOWN, ONE_UNKNOWN = "no unknown field", "one unknown field in each"
# the process reads its own peak: getrusage reports for a child at least the size of its parent
MEASURED = """
import sys, time
from loader.load import load
from loader.plan import Request
started, before = time.monotonic(), time.process_time()
load(Request(("flights",), (sys.argv[1],), sys.argv[2]))
seconds, cpu_seconds = time.monotonic() - started, time.process_time() - before
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), seconds, cpu_seconds)
"""


@click.command(
    help="Example: python -m benchmarks.load --runs 5\n\nCompare the loader with psql, duckdb and dlt on the same file."
)
@click.option("--runs", default=5, show_default=True, help="How often each method is timed; the table shows medians.")
@click.option("--quick", is_flag=True, help="One month, one run, without dlt, duckdb and large inputs.")
def main(runs: int, quick: bool) -> None:
    """Time all methods in new databases and print the tables."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name:
        folder = Path(name)
        file = folder / "flights.ndjson"
        rows = write_flights(file, 1 if quick else 12)
        with bench_database() as parameters:
            click.echo(description(parameters))
        click.echo(f"{rows:,} flight documents, {file.stat().st_size / 1e6:.0f} MB, medians of {1 if quick else runs}")
        seconds = _time_methods(file, 1 if quick else runs, has_peers=not quick)
        _show(seconds, rows)
        click.echo("\nthe same two as whole commands, start-up included")
        _show(_time_commands(file, 1 if quick else runs), rows)
        _show_profile(file, rows)
        _show_memory(file, folder, has_large=not quick)


def _time_methods(file: Path, runs: int, *, has_peers: bool) -> dict[str, list[float]]:
    """Time all methods, alternating, so that a busy machine slows all of them; start-up time is subtracted."""
    array, empty, halves = file.with_name("flights.json"), file.with_name("empty.ndjson"), write_halves(file)
    unknown = _with_unknown_field(file)
    write_array(array, file)
    empty.touch()
    found: dict[str, list[float]] = defaultdict(list)
    python = peers.make_environment() if has_peers else None
    if has_peers and python is None:
        click.echo("dlt and duckdb are left out: their packages cannot be installed here")
    for number in range(runs):
        with bench_database() as parameters:
            copy_start = peers.psql_copy(parameters, empty)
            load_start = _seconds(lambda: _load(empty))
            found[CEILING].append(peers.psql_copy(parameters, file) - copy_start)
            found["loader"].append(_seconds(lambda: _load(file)) - load_start)
            found[f"loader, {ONE_UNKNOWN}"].append(_seconds(lambda: _load(unknown)) - load_start)
            found["loader, one JSON array"].append(_seconds(lambda: _load(array)) - load_start)
        with bench_database() as parameters:
            load_start = _seconds(lambda: _load_in_processes([empty]))
            found["loader, two processes, half the file each"].append(
                _seconds(lambda: _load_in_processes(halves)) - load_start
            )
            if python:
                _time_peer(found, "duckdb, postgres extension", lambda: peers.duckdb(python, parameters, file))
            if python and number == 0:
                _time_peer(found, "dlt, CSV and no nesting (one run)", lambda: peers.dlt(python, parameters, file))
    return found


def _time_commands(file: Path, runs: int) -> dict[str, list[float]]:
    """Time `psql` and `waybill load` from their start to their end, alternating."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        with bench_database() as parameters:
            found[CEILING].append(peers.psql_copy(parameters, file))
            found["loader"].append(_seconds(lambda: _load_in_processes([file])))
    return found


def _time_peer(found: dict[str, list[float]], name: str, work: Callable[[], dict[str, object]]) -> None:
    answer = work()
    if "failed" in answer:
        click.echo(f"{name}: failed: {answer['failed']}")
    else:
        found[f"{name} {answer['version']}"].append(float(str(answer["seconds"])))


def _show(seconds: dict[str, list[float]], rows: int) -> None:
    median = medians(seconds)
    print_table(
        {"method": 46, "seconds": 9, "rows/s": 11, "ratio": 10, "lowest to highest": 20},
        (
            (name, f"{taken:.2f}", f"{rows / taken:,.0f}", f"{median[CEILING] / taken:.2f}",
             lowest_to_highest(seconds[name], 2))
            for name, taken in median.items()
        ),
    )  # fmt: skip


def _show_profile(file: Path, rows: int) -> None:
    click.echo("\nCPU time of the loader's Python process, step by step (the server's part is the same as for COPY)")
    for step, seconds in profile(file).items():
        _show_step(step, seconds, rows)
    click.echo("\nCPU time of a whole load, user and system, in its own process")
    for kind, path in ((NO_UNKNOWN, file), (ONE_UNKNOWN, _with_unknown_field(file))):
        with bench_database():
            _show_step(kind, float(_measured(path, "ndjson")[2]), rows)


def _show_step(step: str, seconds: float, rows: int) -> None:
    click.echo(f"{step:<46}{seconds:>9.2f}{seconds / rows * 1e6:>9.2f} µs per document")


def _with_unknown_field(file: Path) -> Path:
    unknown = file.with_name("unknown.ndjson")
    if not unknown.exists():
        write_with_unknown_field(unknown, file)
    return unknown


def _show_memory(file: Path, folder: Path, *, has_large: bool) -> None:
    click.echo("\npeak memory of the loading process, and its time (one run)")
    _show_process("file", file, "ndjson")
    if has_large:
        large = folder / "large"
        write_repeated(large, file, GIGABYTE)
        _show_process("file", large, "ndjson")
        write_repeated(large, file, ARRAY_BYTES)
        write_array(large, large)
        _show_process("array", large, "array")
        large.unlink()
        write_files(folder / "small", file, SMALL_FILES)
        _show_process(f"folder of {SMALL_FILES:,} files", folder / "small", "document")


def _show_process(kind: str, path: Path, layout: str) -> None:
    size = sum(one.stat().st_size for one in (path.iterdir() if path.is_dir() else [path]))
    with bench_database():
        memory, seconds, _ = _measured(path, layout)
    click.echo(f"{size / 1e6:>10,.0f} MB {kind:<24}{int(memory) / 1024:>8,.0f} MiB{float(seconds):>10.1f} s")


def _measured(path: Path, layout: str) -> list[str]:
    """Load a path in its own process; return its peak memory in kB, its seconds and its seconds of CPU time."""
    command = [sys.executable, "-c", MEASURED, str(path), layout]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _load(file: Path) -> None:
    load(Request(("flights",), (str(file),), "array" if file.suffix == ".json" else "ndjson"))


def _load_in_processes(files: list[Path]) -> None:
    command = [sys.executable, "-m", "loader", "load", "flights"]
    started = [subprocess.Popen([*command, str(file)], stdout=subprocess.DEVNULL) for file in files]
    for process in started:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    run(main, "python -m benchmarks.load")
