# waybill: sample
"""`python -m benchmarks.stream`: lands one topic in PostgreSQL with the consumer and with its peers, in one run."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import statistics
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
from benchmarks.streams.methods import time_consumer, time_inserts, time_polling
from benchmarks.streams.sharing import CLIENT, PARTITIONS, Shared, measure_consumers
from benchmarks.tables import lowest_to_highest, medians, print_table
from loader.declarations import read_source
from streaming.local_broker.process import BrokerPaths
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
@click.option(
    "--consumers",
    multiple=True,
    type=click.IntRange(1, PARTITIONS),
    help="Measure nothing but so many consumers that share four partitions, and what they wait for.",
)
def main(runs: int, months: int, quick: bool, consumers: tuple[int, ...]) -> None:
    """Time all methods on the benchmark's own broker and databases, and print the tables."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name, own_broker() as broker:
        file = Path(name) / "flights.ndjson"
        runs, months = (1, 1) if quick else (runs, months)
        rows = write_flights(file, months)
        with bench_database() as parameters:
            click.echo(description(parameters))
        size = file.stat().st_size / 1e6
        click.echo(f"{rows:,} flight documents, {size:.0f} MB, lz4, broker on the same machine, medians of {runs}")
        if consumers:
            _show_consumers(file, runs, consumers, broker)
            return
        _send("one", file, 1)
        _show(_time_methods(rows, runs, None if quick else peers.make_environment("benchmark-quix", QUIX_PACKAGES)))
        _show_latency(file)
        if not quick:
            _show_consumers(file, runs, (1, 2, 4), broker)


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


def _show_consumers(file: Path, runs: int, numbers: tuple[int, ...], broker: BrokerPaths) -> None:
    """Print for each number of consumers the medians of speed, of CPU time and WAL a message, and of waits."""
    lines = file.read_bytes().splitlines()
    found: dict[int, list[Shared]] = defaultdict(list)
    for number in range(runs):
        for consumers in numbers:
            with bench_database():
                topic = f"four-{consumers}-{number}"
                found[consumers].append(measure_consumers(topic, lines, consumers, broker))
    click.echo("\nconsumers on four partitions; CPU and WAL a message; waits of their connections, in % of the samples")
    print_table(
        {"consumers": 10, "messages/s": 12, "lowest to highest": 20, "CPU µs": 9, "PostgreSQL µs": 15, "broker µs": 11,
         "WAL bytes": 11, "locks %": 9, "server %": 10, "client %": 10},
        (_consumers_row(consumers, measured, len(lines)) for consumers, measured in found.items()),
    )  # fmt: skip


def _consumers_row(consumers: int, measured: list[Shared], messages: int) -> list[str]:
    speeds = [messages / one.seconds for one in measured]
    per_message = [
        statistics.median(one.cpu_seconds.get(part, 0) / messages * 1e6 for one in measured)
        for part in ("consumers", "PostgreSQL", "broker")
    ]
    waits = [
        statistics.median(one.waiting_share("Lock") for one in measured),
        statistics.median(one.server_share for one in measured),
        statistics.median(one.waiting_share(CLIENT) for one in measured),
    ]
    return [
        str(consumers),
        f"{statistics.median(speeds):,.0f}",
        lowest_to_highest(speeds),
        *(f"{one:.1f}" for one in per_message),
        f"{statistics.median(one.wal_bytes for one in measured) / messages:,.0f}",
        *(f"{100 * share:.0f}" for share in waits),
    ]


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
