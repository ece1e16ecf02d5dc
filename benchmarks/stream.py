# waybill: sample
"""`python -m benchmarks.stream`: lands one topic in PostgreSQL with the consumer and with its peers, in one run."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import tempfile
from collections import defaultdict
from pathlib import Path

import click

from benchmarks.databases import bench_database
from benchmarks.flights_file import write_flights
from benchmarks.machine import description
from benchmarks.own_broker import own_broker
from benchmarks.peers import environment as peers
from benchmarks.streams.latency import measure_latency
from benchmarks.streams.methods import time_consumer, time_consumers, time_inserts, time_polling
from benchmarks.tables import lowest_to_highest, medians, print_table
from loader.declarations import read_source
from streaming.producing.sending import produce
from streaming.topics import create_topic, with_topic
from waybill.cli import run

CEILING = "the client's poll loop alone, no database"
OURS = "consumer (contract, fingerprint, ledger, rejects)"
PLAIN = "plain loop, one insert and commit per message"
PLAIN_MESSAGES = 5_000
QUIX_MESSAGES = 30_000
QUIX_PACKAGES = ["quixstreams[postgresql]==3.28.1"]
RATE, RATE_SECONDS = 1_000, 20


@click.command(
    help="Example: python -m benchmarks.stream --runs 3\n\nCompare the consumer with other ways into PostgreSQL."
)
@click.option("--runs", default=3, show_default=True, help="How often each method is timed; the tables show medians.")
@click.option(
    "--months", default=12, show_default=True, type=click.IntRange(1, 12), help="Months of the sample to send."
)
@click.option("--quick", is_flag=True, help="One month, one run, one consumer, without Quix Streams.")
def main(runs: int, months: int, quick: bool) -> None:
    """Time all methods on the benchmark's own broker and databases, and print the tables."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name, own_broker():
        file = Path(name) / "flights.ndjson"
        runs, months = (1, 1) if quick else (runs, months)
        rows = write_flights(file, months)
        with bench_database() as parameters:
            click.echo(description(parameters))
        size = file.stat().st_size / 1e6
        click.echo(f"{rows:,} flight documents, {size:.0f} MB, lz4, broker on the same machine, medians of {runs}")
        _send("one", file, 1)
        _show(_time_methods(rows, runs, None if quick else peers.make_environment("benchmark-quix", QUIX_PACKAGES)))
        _show_latency(file)
        if not quick:
            _show_consumers(file, runs)


def _time_methods(rows: int, runs: int, python: Path | None) -> dict[str, list[float]]:
    """Return messages a second of each method and run; methods alternate, so that a busy machine slows all of them."""
    if python is None:
        click.echo("without Quix Streams")
    found: dict[str, list[float]] = defaultdict(list)
    messages = min(rows, QUIX_MESSAGES)
    for _ in range(runs):
        found[CEILING].append(rows / time_polling("one"))
        with bench_database() as parameters:
            found[OURS].append(rows / time_consumer("one"))
            found[PLAIN].append(PLAIN_MESSAGES / time_inserts(parameters, "one", PLAIN_MESSAGES))
            answer = peers.quix(python, parameters, "one", messages) if python else {}
        if "failed" in answer:
            click.echo(f"Quix Streams failed: {answer['failed']}")
        elif answer:
            name = f"Quix Streams {answer['version']}, PostgreSQL sink"
            found[name].append(messages / float(answer["seconds"]))
    return found


def _show(found: dict[str, list[float]]) -> None:
    median = medians(found)
    print_table(
        {"method": 52, "messages/s": 12, "ratio": 8, "lowest to highest": 20},
        (
            (name, f"{speed:,.0f}", f"{speed / median[CEILING]:.3f}", lowest_to_highest(found[name]))
            for name, speed in median.items()
        ),
    )


def _show_consumers(file: Path, runs: int) -> None:
    lines = file.read_bytes().splitlines()
    found: dict[str, list[float]] = defaultdict(list)
    for consumers in (1, 2, 4):
        for number in range(runs):
            with bench_database():
                seconds = time_consumers(f"four-{consumers}-{number}", lines, consumers)
            found[str(consumers)].append(len(lines) / seconds)
    click.echo()
    print_table(
        {"consumers on four partitions": 52, "messages/s": 12, "lowest to highest": 28},
        ((name, f"{speed:,.0f}", lowest_to_highest(found[name])) for name, speed in medians(found).items()),
    )


def _show_latency(file: Path) -> None:
    paced = file.with_name("paced.ndjson")
    lines = file.read_bytes().splitlines(keepends=True)[: RATE * RATE_SECONDS]
    paced.write_bytes(b"".join(lines))
    create_topic("paced", 1)
    with bench_database():
        found = measure_latency("paced", paced, RATE)
    click.echo(
        f"\ntime from sending to commit at {RATE:,} messages/s ({found.messages:,} messages,"
        f" {found.batch_size:.0f} a batch): p50 {found.p50:.0f} ms, p99 {found.p99:.0f} ms"
    )


def _send(topic: str, file: Path, partitions: int) -> None:
    create_topic(topic, partitions)
    produce(with_topic(read_source("flights"), topic), (str(file),))


if __name__ == "__main__":
    run(main, "python -m benchmarks.stream")
