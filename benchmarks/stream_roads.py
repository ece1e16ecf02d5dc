"""The roads from a topic into PostgreSQL that `benchmarks.stream` compares, each timed without its start-up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from streaming.cluster import admin, client_options
from streaming.consuming.client import FETCH_BYTES, PARTITION_BYTES, POLL_RECORDS
from streaming.topics import create_topic
from warehouse.connection import connect, open_connection

ENDED = "select extract(epoch from max(committed_at))::float, sum(landed)::bigint from ledger.batches"
JOIN_SECONDS = 120


def polled(topic: str) -> float:
    """Return the seconds of the client's own poll loop over a topic's first partition: no database, no check."""
    consumer = reader(topic)
    (end,) = consumer.end_offsets([TopicPartition(topic, 0)]).values()
    count, started = 0, time.monotonic()
    while count < end:
        count += sum(map(len, consumer.poll(timeout_ms=500).values()))
    seconds = time.monotonic() - started
    consumer.close()
    return seconds


def inserted(parameters: dict[str, str], topic: str, messages: int) -> float:
    """Return the seconds of a plain loop that inserts each message and commits."""
    connection, consumer = open_connection(parameters), reader(topic)
    with connection, connection.cursor() as cursor:
        cursor.execute("create table plain (partition int, position bigint, document jsonb)")
    started = None
    for number, message in enumerate(consumer):
        started = started or time.monotonic()
        if number == messages:
            break
        with connection, connection.cursor() as cursor:
            row = [message.partition, message.offset, message.value.decode()]
            cursor.execute("insert into plain values (%s, %s, %s)", row)
    consumer.close()
    connection.close()
    return time.monotonic() - (started or 0.0)


def consumed(topic: str) -> float:
    """Return the seconds of one consumer, from when it has joined to the last commit.

    Until it has joined, a lock on the ledger keeps it from taking anything up.
    """
    group = f"bench-{uuid4().hex[:8]}"
    lock = connect("owner")
    with ExitStack() as stack:
        with lock, lock.cursor() as cursor:
            cursor.execute("lock table ledger.inputs in exclusive mode")
            process = stack.enter_context(_running(topic, group, "--until-end"))
            _await_members(group, 1)
            started = time.time()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
        ended, _ = _landed(lock)
    lock.close()
    return ended - started


def shared(topic: str, lines: list[bytes], consumers: int) -> float:
    """Return the seconds of consumers that share four partitions, from when they may read to the last commit.

    The messages are one transaction, which is committed when all have joined.
    """
    create_topic(topic, 4)
    options = {"transactional_id": topic, "transaction_timeout_ms": 300_000, "compression_type": "lz4"}
    producer = KafkaProducer(**client_options(), **options, linger_ms=20, batch_size=256 << 10)
    producer.init_transactions()
    producer.begin_transaction()
    for number, line in enumerate(lines):
        producer.send(topic, line, partition=number % 4)
    producer.flush(120)
    connection = connect("owner")
    with ExitStack() as stack:
        for _ in range(consumers):
            stack.enter_context(_running(topic, topic))
        _await_members(topic, consumers)
        started = time.time()
        producer.commit_transaction()
        ended, landed = 0.0, 0
        while landed < len(lines):
            time.sleep(0.2)
            ended, landed = _landed(connection)
    producer.close()
    connection.close()
    return ended - started


def _landed(connection: Connection) -> tuple[float, int]:
    with connection, connection.cursor() as cursor:
        cursor.execute(ENDED)
        ended, landed = cursor.fetchone()  # type: ignore[misc]
    return float(ended or 0), int(landed or 0)


def quix(python: Path, parameters: dict[str, str], topic: str, messages: int) -> dict[str, Any]:
    """Return the seconds of Quix Streams' PostgreSQL sink and its version, or why it failed."""
    login = {name: parameters.get(name, "") for name in ("host", "port", "dbname", "user", "password")}
    script = Path(__file__).with_name("peer_quix.py")
    server = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    command = [str(python), str(script), server, topic, str(messages), json.dumps(login)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def reader(topic: str) -> KafkaConsumer:
    """Return a bare client at the beginning of a topic's first partition, set as the consumer's is."""
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
def _running(topic: str, group: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "streaming.consumer", "flights", "--topic", topic, "--group", group, *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await_members(group: str, wanted: int) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    with admin() as client:
        while time.monotonic() < deadline:
            with suppress(KafkaError):  # the first group of a broker waits for its coordinator
                found = client.describe_groups([group])[group]
                if len(found["members"]) == wanted and found["group_state"] == "Stable":
                    return
            time.sleep(0.1)
    raise TimeoutError(f"{wanted} consumers did not join within {JOIN_SECONDS} s")
