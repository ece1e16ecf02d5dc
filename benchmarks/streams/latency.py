# waybill: sample
"""Measures the time from sending a message to its commit in the raw table, at a steady rate."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.streams.methods import reader
from loader.declarations import read_source
from streaming.producing.documents import Pace
from streaming.producing.sending import ProducerOptions, produce
from streaming.topics import with_topic
from warehouse.connection import cursor_of

BATCHES = """
select batches.first_position, extract(epoch from batches.committed_at)::float
from ledger.batches
order by 1
"""
INPUTS = "select count(*) from ledger.inputs"
DOCUMENTS = "select count(*) from raw.flights"
WARM_UP_MESSAGES = 2_000


@dataclass(frozen=True)
class Latency:
    """The median and the 99th percentile in milliseconds, of how many messages, and the mean size of a batch."""

    messages: int
    p50: float
    p99: float
    batch_size: float


def measure_latency(topic: str, file: Path, rate: float) -> Latency:
    """Send a file's documents at a steady rate to a topic of one partition while a consumer runs."""
    count = _send_while_consuming(topic, file, rate)
    with cursor_of("reader") as cursor:
        cursor.execute(BATCHES)
        batches = cursor.fetchall()
    firsts = [first for first, _ in batches]
    milliseconds = sorted(
        1000 * batches[bisect_right(firsts, offset) - 1][1] - sent
        for offset, sent in _send_times(topic, count)
        if offset >= WARM_UP_MESSAGES
    )
    percentiles = statistics.quantiles(milliseconds, n=100)
    return Latency(len(milliseconds), percentiles[49], percentiles[98], count / len(batches))


def _send_while_consuming(topic: str, file: Path, rate: float) -> int:
    """Run a consumer and a producer; return how many documents were sent and landed."""
    command = [sys.executable, "-m", "streaming.consumer", "flights", "--topic", topic]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until(lambda: _count(INPUTS) > 0)
        source = with_topic(read_source("flights"), topic)
        count = produce(source, (str(file),), ProducerOptions(Pace(rate))).acknowledged
        _wait_until(lambda: _count(DOCUMENTS) >= count)
    finally:
        process.terminate()
        process.wait()
    return count


def _send_times(topic: str, count: int) -> list[tuple[int, float]]:
    """Return each message's offset and the time when it was sent, in milliseconds since 1970."""
    consumer = reader(topic)
    found: list[tuple[int, float]] = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=500).values():
            found += [(record.offset, record.timestamp) for record in records]
    consumer.close()
    return found


def _wait_until(is_reached: Callable[[], bool]) -> None:
    while not is_reached():
        time.sleep(0.1)


def _count(query: str) -> int:
    with cursor_of("reader") as cursor:
        cursor.execute(query)
        found: int = cursor.fetchone()[0]  # type: ignore[index]
    return found
