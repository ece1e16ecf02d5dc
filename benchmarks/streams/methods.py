# waybill: sample
"""The ways from a topic into PostgreSQL that `benchmarks.stream` compares, each timed without its start-up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from streaming.cluster import admin, client_options
from streaming.consuming.client import FETCH_BYTES, PARTITION_BYTES, POLL_RECORDS
from warehouse.connection import connect, open_connection

LAST_COMMIT = "select extract(epoch from max(committed_at))::float, sum(landed)::bigint from ledger.batches"
JOIN_SECONDS = 120


def time_polling(topic: str) -> float:
    """Return the seconds of the client's poll loop over a topic's first partition, without database and checks."""
    consumer = reader(topic)
    (end,) = consumer.end_offsets([TopicPartition(topic, 0)]).values()
    count, started = 0, time.monotonic()
    while count < end:
        count += sum(map(len, consumer.poll(timeout_ms=500).values()))
    seconds = time.monotonic() - started
    consumer.close()
    return seconds


def time_inserts(parameters: dict[str, str], topic: str, messages: int) -> float:
    """Return the seconds of a plain loop that inserts and commits each message."""
    connection, consumer = open_connection(parameters), reader(topic)
    with connection, connection.cursor() as cursor:
        cursor.execute("create table public.plain (partition int, position bigint, document jsonb)")
    started = None
    for number, message in enumerate(consumer):
        started = started or time.monotonic()
        if number == messages:
            break
        with connection, connection.cursor() as cursor:
            row = [message.partition, message.offset, message.value.decode()]
            cursor.execute("insert into public.plain values (%s, %s, %s)", row)
    consumer.close()
    connection.close()
    return time.monotonic() - (started or 0.0)


def time_consumer(topic: str) -> float:
    """Return the seconds of one consumer, from joining its group to its last commit.

    A lock on the ledger keeps it from starting any partition before it has joined.
    """
    group = f"bench-{uuid4().hex[:8]}"
    lock = connect("owner")
    with ExitStack() as stack:
        with lock, lock.cursor() as cursor:
            cursor.execute("lock table ledger.inputs in exclusive mode")
            process = stack.enter_context(running(topic, group, "--until-end"))
            wait_for_members(group, 1)
            started = time.time()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
        ended, _ = last_commit(lock)
    lock.close()
    return ended - started


def last_commit(connection: Connection) -> tuple[float, int]:
    """Return when the last batch was committed, and how many documents have landed."""
    with connection, connection.cursor() as cursor:
        cursor.execute(LAST_COMMIT)
        ended, landed = cursor.fetchone()  # type: ignore[misc]
    return float(ended or 0), int(landed or 0)


def reader(topic: str) -> KafkaConsumer:
    """Return a Kafka client at the start of a topic's first partition, with the consumer's own fetch sizes."""
    consumer = KafkaConsumer(
        **client_options(),
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=POLL_RECORDS,
        max_partition_fetch_bytes=PARTITION_BYTES,
        fetch_max_bytes=FETCH_BYTES,
    )
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek(TopicPartition(topic, 0), 0)
    return consumer


@contextmanager
def running(topic: str, group: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a consumer during the block."""
    command = [sys.executable, "-m", "streaming.consumer", "flights", "--topic", topic, "--group", group, *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_members(group: str, wanted: int) -> None:
    """Wait until a group has so many members, each with its partitions."""
    deadline = time.monotonic() + JOIN_SECONDS
    with admin() as client:
        while time.monotonic() < deadline:
            with suppress(KafkaError):  # a new broker has no coordinator for groups yet
                found = client.describe_groups([group])[group]
                if len(found["members"]) == wanted and found["group_state"] == "Stable":
                    return
            time.sleep(0.1)
    raise TimeoutError(f"{wanted} consumers did not join within {JOIN_SECONDS} s")
