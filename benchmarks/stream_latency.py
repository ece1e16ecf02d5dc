"""How long a message takes from being sent to being committed in raw, at a steady pace."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stream_roads import reader
from loader.declarations import read_source
from streaming.producing.documents import Pace
from streaming.producing.sending import ProducerOptions, produce
from warehouse.connection import connect

BATCHES = """
select batches.first_position, extract(epoch from batches.committed_at)::float
from ledger.batches
order by 1
"""
STARTED = "select count(*) from ledger.inputs"
WARM_MESSAGES = 2_000


@dataclass(frozen=True)
class Latency:
    """Of how many messages, the median and the 99th percentile in milliseconds, and how many a batch held."""

    messages: int
    p50: float
    p99: float
    a_batch: float


def latency(topic: str, file: Path, rate: float) -> Latency:
    """Send a file's documents at a pace to a topic of one partition while a consumer runs."""
    command = [sys.executable, "-m", "streaming.consumer", "flights", "--topic", topic]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_start()
        source = read_source("flights").model_copy(update={"topic": topic})
        count = produce(source, (str(file),), ProducerOptions(Pace(rate))).acknowledged
        _await_rows(count)
    finally:
        process.terminate()
        process.wait()
    connection = connect("reader")
    with connection, connection.cursor() as cursor:
        cursor.execute(BATCHES)
        batches = cursor.fetchall()
    connection.close()
    firsts = [first for first, _ in batches]
    waits = sorted(
        1000 * batches[bisect_right(firsts, offset) - 1][1] - sent
        for offset, sent in _sent_at(topic, count)
        if offset >= WARM_MESSAGES
    )
    cuts = statistics.quantiles(waits, n=100)
    return Latency(len(waits), cuts[49], cuts[98], count / len(batches))


def _sent_at(topic: str, count: int) -> list[tuple[int, float]]:
    """Return offset and time of sending, in milliseconds since 1970, of each message."""
    consumer = reader(topic)
    found: list[tuple[int, float]] = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=500).values():
            found += [(record.offset, record.timestamp) for record in records]
    consumer.close()
    return found


def _await_start() -> None:
    while not _number(STARTED):
        time.sleep(0.1)


def _await_rows(count: int) -> None:
    while _number("select count(*) from raw.flights") < count:
        time.sleep(0.1)


def _number(statement: str) -> int:
    connection = connect("reader")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found: int = cursor.fetchone()[0]  # type: ignore[index]
    connection.close()
    return found
