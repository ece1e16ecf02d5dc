"""`python -m benchmarks.pipeline`: a file to tested marts, beside dlt and the usual way, and how it grows."""

from __future__ import annotations

import os
import statistics
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

from benchmarks import peers
from benchmarks.databases import address, bench_database
from benchmarks.machine import description
from data.sample.documents import flights

QUICK_SHARE = 0.05
HERE = Path(__file__).parent
REFERENCE = ("airlines", "airports", "aircraft", "weather")
MARTS = "--exclude intermediate.features flight_features test_type:unit".split()  # noqa: SIM905
EVERYTHING = ["--exclude", "test_type:unit"]
BUILD = "import sys; from pipeline.dbt.build import build; print(build(*sys.argv[1:])[1])"

Measured = Iterator[tuple[str, float]]


@click.command(help="Example: python -m benchmarks.pipeline --runs 3\n\nMeasure the way from a file to tested marts.")
@click.option("--runs", default=3, show_default=True, help="How often; medians are shown.")
@click.option("--share", default=1.0, show_default=True, help="Which share of the year's flights.")
@click.option("--quick", is_flag=True, help="A twentieth of the year, one run, without dlt and growth.")
def main(runs: int, share: float, quick: bool) -> None:
    """Measure everything in one run, in turn, and print the medians."""
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
            click.echo("without dlt" if quick else "dlt could not be installed here: left out")
        for _ in range(runs):
            growth = () if quick else measure_growth(folder)
            for name, taken in (*measure_waybill(folder), *measure_peers(folder, dlt), *growth):
                seconds[name].append(taken)
    print_table(seconds, rows, runs)


def write_files(folder: Path, share: float) -> dict[str, int]:
    """Write all flights, the first tenth, all but the newest hundredth by date, and that; return their rows."""
    by_date = sorted((document for _, document in flights()), key=lambda document: str(document["scheduled"]["date"]))
    lines = [orjson.dumps(document) for document in by_date[: int(len(by_date) * share)]]
    newest = len(lines) // 100
    parts = {"all": lines, "tenth": lines[: len(lines) // 10], "older": lines[:-newest], "newest": lines[-newest:]}
    for name, part in parts.items():
        (folder / f"{name}.ndjson").write_bytes(b"\n".join(part) + b"\n")
    return {name: len(part) for name, part in parts.items()}


def measure_waybill(folder: Path) -> Measured:
    """The whole file into marts with enforced keys; with the model's features built, once more with nothing new."""
    with _prepared():
        landed, built = _load(folder / "all.ndjson"), _build(*MARTS)
        yield "landed", landed
        yield "marts", landed + built
        _build(*EVERYTHING)
        yield "nothing new", _load(folder / "all.ndjson") + _build(*EVERYTHING)


def measure_peers(folder: Path, dlt: Path | None) -> Measured:
    """The same file merely loaded by dlt, and into typed tables with keys the usual way."""
    file = str(folder / "all.ndjson")
    with bench_database() as login, tempfile.TemporaryDirectory() as state:
        variables = {"BENCH_ADDRESS": address(login)}
        if dlt:
            yield "dlt", _timed(str(dlt), str(HERE / "dlt_load.py"), file, state, variables=variables)
        yield "usual way", _timed(sys.executable, str(HERE / "usual_way.py"), file, variables=variables)


def measure_growth(folder: Path) -> Measured:
    """A tenth of the rows; and the newest hundredth by date on top of all others, features included."""
    with _prepared():
        yield "tenth", _load(folder / "tenth.ndjson") + _build(*MARTS)
    with _prepared():
        yield "older", _load(folder / "older.ndjson") + _build(*EVERYTHING)
        yield "newest", _load(folder / "newest.ndjson") + _build(*EVERYTHING)


@contextmanager
def _prepared() -> Iterator[None]:
    """A database in which the reference data has landed; that is not part of what is measured."""
    with bench_database():
        for source in REFERENCE:
            _timed(sys.executable, "-m", "loader", "load", source)
        yield


def _load(file: Path) -> float:
    return _timed(sys.executable, "-m", "loader", "load", "flights", str(file))


def _build(*arguments: str) -> float:
    return _timed(sys.executable, "-c", BUILD, *arguments)


def _timed(*command: str, variables: dict[str, str] | None = None) -> float:
    """Run a command to its good end, its start-up included; return the seconds."""
    started = time.monotonic()
    environment = {**os.environ, **(variables or {})}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise click.ClickException(f"{' '.join(command)[:200]} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return time.monotonic() - started


def print_table(found: dict[str, list[float]], rows: dict[str, int], runs: int) -> None:
    """Print the medians, and each beside the way into marts; what was left out has no line."""
    seconds = {name: statistics.median(taken) for name, taken in found.items()}
    marts = (seconds["marts"], "")
    full = (seconds["older"], " of full") if "older" in seconds else marts
    table = [
        ("file → raw: contract, ledger, rejects", "landed", rows["all"], marts),
        ("file → tested marts with enforced keys", "marts", rows["all"], marts),
        ("dlt, merely loading the file", "dlt", rows["all"], marts),
        ("json_normalize, clean, ORM insert", "usual way", rows["all"], marts),
        ("file → marts, a tenth of the rows", "tenth", rows["tenth"], marts),
        ("99 % → marts and features of the model", "older", rows["older"], marts),
        ("the same again, nothing new", "nothing new", 0, full),
        ("the newest 1 % by date on top", "newest", rows["newest"], full),
    ]
    click.echo(f"medians of {runs}, start-up of the commands included")
    click.echo(f"{'what':<44}{'rows':>10}{'seconds':>10}{'rows/s':>10}{'× marts':>14}{'spread':>18}")
    for what, name, count, (unit, words) in table:
        if taken := seconds.get(name):
            times = f"{taken / unit:.2f}{words}"
            spread = f"{min(found[name]):.1f} to {max(found[name]):.1f}"
            click.echo(f"{what:<44}{count:>10,}{taken:>10.1f}{count / taken:>10,.0f}{times:>14}{spread:>18}")


if __name__ == "__main__":
    main()
