# waybill: sample
"""Measures consumers that share one topic and one warehouse: their speed, and what they and PostgreSQL wait for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
from kafka import KafkaProducer

from benchmarks.streams.methods import last_commit, running, wait_for_members
from pipeline.consumption.process_tree import ProcessTree
from streaming.cluster import client_options
from streaming.local_broker.process import BrokerPaths, find_broker_process
from streaming.topics import create_topic
from warehouse import embedded
from warehouse.connection import connect
from warehouse.server_paths import find_server_paths
from waybill.settings import get_settings

PARTITIONS = 4
SAMPLE_SECONDS = 0.05
CLIENT = "Client"  # the kind of wait in which PostgreSQL waits for a consumer
# Each consumer lands through one connection of the loader's. Without a wait, PostgreSQL works on it.
WAITS = """
select coalesce(wait_event_type, 'none'), count(*)
from pg_stat_activity
where datname = current_database() and application_name = 'waybill loader' and pid <> pg_backend_pid()
group by 1
"""
WAL_END = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Shared:
    """From the first readable message to the last commit: seconds, CPU seconds of each part, WAL, waits.

    `waits` counts how often a connection was seen in each kind of wait; "none" means that PostgreSQL worked.
    """

    seconds: float
    cpu_seconds: dict[str, float]
    wal_bytes: int
    waits: Counter[str]

    def waiting_share(self, *kinds: str) -> float:
        """Return in which share of the samples a connection was in one of these waits."""
        return sum(self.waits[kind] for kind in kinds) / max(self.waits.total(), 1)

    @property
    def server_share(self) -> float:
        """The share of the samples in which PostgreSQL waited for itself: for locks, WAL, disk."""
        return 1 - self.waiting_share(CLIENT, "none")


def measure_consumers(topic: str, lines: list[bytes], consumers: int, broker: BrokerPaths) -> Shared:
    """Measure consumers that share a topic of four partitions.

    The messages are in one Kafka transaction, which is committed when all consumers have joined.
    """
    producer = _send(topic, lines)
    with ExitStack() as stack:
        processes = [stack.enter_context(running(topic, topic)) for _ in range(consumers)]
        wait_for_members(topic, consumers)
        roots = {"broker": [find_broker_process(broker)], "consumers": [psutil.Process(one.pid) for one in processes]}
        if get_settings().is_embedded:
            roots["PostgreSQL"] = [embedded.find_process(find_server_paths(get_settings()))]
        trees = {part: [_tree(root) for root in found if root] for part, found in roots.items()}
        before = _wal_end()
        with _sampled_waits() as waits:
            started = time.time()
            producer.commit_transaction()
            ended = _wait_for_documents(len(lines))
        cpu = {part: sum(_cpu_seconds(tree) for tree in found) for part, found in trees.items()}
        wal = _wal_end() - before
    producer.close()
    return Shared(ended - started, cpu, wal, waits)


def _send(topic: str, lines: list[bytes]) -> KafkaProducer:
    create_topic(topic, PARTITIONS)
    options = {"transactional_id": topic, "transaction_timeout_ms": 300_000, "compression_type": "lz4"}
    producer = KafkaProducer(**client_options(), **options, linger_ms=20, batch_size=256 << 10)
    producer.init_transactions()
    producer.begin_transaction()
    for number, line in enumerate(lines):
        producer.send(topic, line, partition=number % PARTITIONS)
    producer.flush(120)
    return producer


def _wait_for_documents(count: int) -> float:
    """Wait until so many documents have landed; return when the last batch was committed."""
    connection = connect("owner")
    ended, landed = 0.0, 0
    while landed < count:
        time.sleep(0.2)
        ended, landed = last_commit(connection)
    connection.close()
    return ended


@contextmanager
def _sampled_waits() -> Iterator[Counter[str]]:
    """Give the waits of the consumers' connections, which a thread counts during the block."""
    found: Counter[str] = Counter()
    stop, connection = threading.Event(), connect("owner")
    connection.autocommit = True

    def sample() -> None:
        with connection.cursor() as cursor:
            while not stop.wait(SAMPLE_SECONDS):
                cursor.execute(WAITS)
                found.update(dict(cursor.fetchall()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
        connection.close()


def _tree(root: psutil.Process) -> ProcessTree:
    tree = ProcessTree(lambda: root)
    tree.sample(root)
    return tree


def _cpu_seconds(tree: ProcessTree) -> float:
    tree.sample(tree.find())
    return tree.used.cpu_seconds


def _wal_end() -> int:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(WAL_END)
        (found,) = cursor.fetchone()  # type: ignore[misc]
    connection.close()
    return int(found)
