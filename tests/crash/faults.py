"""The faults that can happen while a topic is consumed. Each one also restores what it took away."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress

from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError

from streaming.cluster import admin
from streaming.local_broker.process import find_broker_process
from tests.crash.chaos_round import ChaosRound
from tests.crash.servers import backends, kill, processes
from tests.support.kafka.consume import SESSION_MS


def kill_consumer(this: ChaosRound) -> None:
    """Kill a consumer and start another, which gets the partitions when the group's session has expired."""
    this.pick_consumer().kill()
    this.start_consumer()


def kill_backend(this: ChaosRound) -> None:
    """Kill the server process of a consumer's connection; PostgreSQL then ends all others, too."""
    kill(backends(this.servers.warehouse))


def kill_postmaster(this: ChaosRound) -> None:
    """Kill the postmaster only; its children notice it."""
    kill(processes(this.servers.warehouse)[:1])


def kill_server(this: ChaosRound) -> None:
    """Kill all PostgreSQL processes at once."""
    kill(processes(this.servers.warehouse))


def kill_server_and_consumer(this: ChaosRound) -> None:
    """Kill PostgreSQL and a consumer."""
    kill(processes(this.servers.warehouse))
    kill_consumer(this)


def kill_broker(this: ChaosRound) -> None:
    """Kill the broker and start it again a little later."""
    process = find_broker_process(this.servers.broker)
    if process:
        process.kill()
        process.wait(10)
    time.sleep(this.rng.uniform(0, 2))
    this.servers.start_broker()


def suspend_consumer(this: ChaosRound) -> None:
    """Suspend a consumer until its partitions belong to another, then resume it in the middle of a write."""
    victim = this.pick_consumer()
    victim.process.send_signal(signal.SIGSTOP)
    this.start_consumer()
    time.sleep(SESSION_MS / 1000 + this.rng.uniform(0, 3))
    victim.process.send_signal(signal.SIGCONT)


def add_second_group(this: ChaosRound) -> None:
    """Start a consumer of another group, so that two consumers read every partition."""
    this.start_consumer(group="two")


def rebalance(this: ChaosRound) -> None:
    """Start one more member of the group, and stop a random one a little later."""
    this.start_consumer()
    time.sleep(this.rng.uniform(1, 4))
    this.pick_consumer().stop()
    if all(consumer.was_stopped for consumer in this.running()):
        this.start_consumer()


def truncate_log(this: ChaosRound) -> None:
    """Delete the beginning of a partition, sometimes with messages not landed yet; a consumer stops at such a gap."""
    has_gap = this.rng.random() < 0.7
    for consumer in this.running() if has_gap else []:
        consumer.kill()
    time.sleep(0.5)
    this.topic.read()
    partition, end = this.rng.choice(sorted(this.topic.ends.items()) or [(0, 1)])
    this.was_truncated = True
    with suppress(OffsetOutOfRangeError), admin() as client:  # the partition is still empty
        client.delete_records({TopicPartition(this.topic.name, partition): this.rng.randint(end // 2, end)})
    if has_gap:
        this.start_consumer()


FAULTS: dict[str, Callable[[ChaosRound], None]] = {
    "consumer killed": kill_consumer,
    "PostgreSQL backend killed": kill_backend,
    "postmaster killed": kill_postmaster,
    "PostgreSQL killed": kill_server,
    "PostgreSQL and consumer killed": kill_server_and_consumer,
    "broker killed": kill_broker,
    "consumer suspended and resumed": suspend_consumer,
    "second consumer group": add_second_group,
    "rebalance": rebalance,
    "log truncated": truncate_log,
}
