# waybill: sample
"""`python -m benchmarks.pipeline`: times a file to tested marts, next to dlt and pandas, and how the time grows."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import orjson

from benchmarks.databases import bench_database, database_url
from benchmarks.machine import description
from benchmarks.parts.dbt_seconds import profiled_build, profiled_stage
from benchmarks.peers import environment as peers
from benchmarks.tables import lowest_to_highest, medians, print_table
from data.sample.documents import flights
from waybill.cli import run

QUICK_SHARE = 0.05
PEERS = Path(peers.__file__).parent
REFERENCE = ("airlines", "airports", "aircraft", "weather")
MARTS = "--exclude intermediate.features flight_features test_type:unit".split()  # noqa: SIM905
EVERYTHING = ["--exclude", "test_type:unit"]
BUILD = "import sys; from pipeline.dbt.build import build; print(build(*sys.argv[1:])[1])"
STAGE = "from pipeline.dbt.build import build_if_changed; print(build_if_changed()[1])"

Measured = Iterator[tuple[str, float]]


@click.command(help="Example: python -m benchmarks.pipeline --runs 3\n\nTime the way from a file to tested marts.")
@click.option("--runs", default=3, show_default=True, help="How often each step is timed; the table shows medians.")
@click.option("--share", default=1.0, show_default=True, help="The share of the year's flights to use.")
@click.option("--quick", is_flag=True, help="A twentieth of the year, one run, without dlt and growth.")
def main(runs: int, share: float, quick: bool) -> None:
    """Time everything in one session, alternating, and print the medians."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as scratch:
        folder = Path(scratch)
        with bench_database() as parameters:
            click.echo(description(parameters))
        os.environ["DBT_TARGET_PATH"] = str(folder / "dbt")
        runs, share = (1, QUICK_SHARE) if quick else (runs, share)
        rows = write_files(folder, share)
        dlt = None if quick else peers.make_environment()
        if dlt is None:
            click.echo("without dlt" if quick else "dlt is left out: its packages cannot be installed here")
        for _ in range(runs):
            growth = () if quick else measure_growth(folder)
            for name, taken in (*measure_waybill(folder), *measure_peers(folder, dlt), *growth):
                seconds[name].append(taken)
    show(seconds, rows, runs)


def write_files(folder: Path, share: float) -> dict[str, int]:
    """Write all flights, the first tenth, all but the newest 1 % by date, and the newest 1 %; return their rows."""
    by_date = sorted((document for _, document in flights()), key=lambda document: str(document["scheduled"]["date"]))
    lines = [orjson.dumps(document) for document in by_date[: int(len(by_date) * share)]]
    newest = len(lines) // 100
    parts = {"all": lines, "tenth": lines[: len(lines) // 10], "older": lines[:-newest], "newest": lines[-newest:]}
    for name, part in parts.items():
        (folder / f"{name}.ndjson").write_bytes(b"\n".join(part) + b"\n")
    return {name: len(part) for name, part in parts.items()}


def measure_waybill(folder: Path) -> Measured:
    """Time the whole file into marts with enforced keys; then, with the features built, a run with nothing new."""
    with _prepared():
        landed, built = _load(folder / "all.ndjson"), _build(*MARTS)
        yield "landed", landed
        yield "marts", landed + built
        _build(*EVERYTHING)
        yield "by hand", _load(folder / "all.ndjson") + profiled_build(*EVERYTHING)
        _stage()
        yield "nothing new", _load(folder / "all.ndjson") + _stage()


def measure_peers(folder: Path, dlt: Path | None) -> Measured:
    """Time dlt only loading the same file, and pandas with an ORM filling typed tables with keys."""
    file = str(folder / "all.ndjson")
    with bench_database() as login, tempfile.TemporaryDirectory() as state:
        variables = {"BENCH_DATABASE_URL": database_url(login)}
        if dlt:
            yield "dlt", _timed(str(dlt), str(PEERS / "dlt_load.py"), file, state, variables=variables)
        yield "pandas", _timed(sys.executable, str(PEERS / "pandas_orm.py"), file, variables=variables)


def measure_growth(folder: Path) -> Measured:
    """Time a tenth of the rows, and adding the newest 1 % by date to all the others, features included."""
    with _prepared():
        yield "tenth", _load(folder / "tenth.ndjson") + _build(*MARTS)
    with _prepared():
        yield "older", _load(folder / "older.ndjson") + _build(*EVERYTHING)
        _stage()
        yield "newest", _load(folder / "newest.ndjson") + profiled_stage()


@contextmanager
def _prepared() -> Iterator[None]:
    """Create a database and load the reference data, which is not part of the measurement."""
    with bench_database():
        for source in REFERENCE:
            _timed(sys.executable, "-m", "loader", "load", source)
        yield


def _load(file: Path) -> float:
    return _timed(sys.executable, "-m", "loader", "load", "flights", str(file))


def _build(*arguments: str) -> float:
    return _timed(sys.executable, "-c", BUILD, *arguments)


def _stage() -> float:
    return _timed(sys.executable, "-c", STAGE)


def _timed(*command: str, variables: dict[str, str] | None = None) -> float:
    """Run a command that must succeed; return the seconds, start-up included."""
    started = time.monotonic()
    environment = {**os.environ, **(variables or {})}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise click.ClickException(f"{' '.join(command)[:200]} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return time.monotonic() - started


def show(found: dict[str, list[float]], rows: dict[str, int], runs: int) -> None:
    """Print the medians, each with its ratio to the time into marts; what was left out has no line."""
    seconds = medians(found)
    marts = (seconds["marts"], "")
    full = (seconds["older"], " of full") if "older" in seconds else marts
    table = [
        ("file → raw: contract, ledger, rejects", "landed", rows["all"], marts),
        ("file → tested marts with enforced keys", "marts", rows["all"], marts),
        ("dlt, only loading the file", "dlt", rows["all"], marts),
        ("pandas json_normalize, cleaning, ORM insert", "pandas", rows["all"], marts),
        ("file → marts, a tenth of the rows", "tenth", rows["tenth"], marts),
        ("the oldest 99 % → marts and model features", "older", rows["older"], marts),
        ("the whole file again, nothing new", "nothing new", 0, full),
        ("the same, `dbt build` by hand", "by hand", 0, full),
        ("the newest 1 % by date added", "newest", rows["newest"], full),
    ]
    click.echo(f"medians of {runs}, including the start-up of the commands")
    print_table(
        {"step": 44, "rows": 10, "seconds": 10, "rows/s": 10, "× marts": 14, "lowest to highest": 20},
        (
            (what, f"{count:,}", f"{seconds[name]:.1f}", f"{count / seconds[name]:,.0f}",
             f"{seconds[name] / unit:.2f}{words}", lowest_to_highest(found[name], 1))
            for what, name, count, (unit, words) in table
            if name in seconds
        ),
    )  # fmt: skip


if __name__ == "__main__":
    run(main, "python -m benchmarks.pipeline")
