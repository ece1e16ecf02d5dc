"""Consumes a topic under faults, waits until it has caught up, and compares with the content of the topic (P1 to P3)."""

from __future__ import annotations

import math
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from streaming.local_broker.configuration import ExtraListener
from streaming.local_broker.process import BrokerPaths, broker_address, choose_ports
from streaming.local_broker.server import start_broker, stop_broker
from streaming.topics import create_topic
from tests.crash.chaos_round import HAS_STARTED, ChaosRound, Consumer, Servers
from tests.crash.faults import FAULTS
from tests.crash.messages import MAX_BYTES, make_messages
from tests.crash.observed_topic import ObservedTopic
from tests.crash.rounds import UNBALANCED
from tests.crash.sender import SECONDS, Sender
from tests.support.databases import own_server, rows
from tests.support.kafka.broker import own_broker_paths
from tests.support.kafka.things import declare_things
from warehouse.connection import connection_parameters, forget
from warehouse.errors import WarehouseError

COMPACTED = {"cleanup.policy": "compact,delete", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001"}
CATCH_UP_SECONDS = 60
MAX_LAST_READS = 4
AT_WORK = "faults that hit a consumer at work"
WRONG = (
    "lost", "doubled", "landed, not in the topic", "landed wrong", "rejected wrong", "batches that overlap",
    "batches with wrong counts", "gaps that hide messages", "batches that do not balance",
    "rounds that did not catch up", "consumers that failed", "tracebacks",
)  # fmt: skip


def run_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own warehouse and broker; return the totals by name.

    Ctrl-C ends the run and returns the totals of the rounds so far.
    """
    totals: Counter[str] = Counter()
    with suppress(KeyboardInterrupt), _own_servers() as servers:
        connection_parameters("owner")
        for number, faults in enumerate(faults_of_rounds(rounds, seed)):
            before, started = Counter(totals), time.monotonic()
            this = _prepare_round(servers, number, random.Random(f"{seed} {number}"))
            try:
                _run_round(this, faults, totals)
            finally:
                this.kill_all()
            totals["rounds"] += 1
            forget()
            totals["batches that do not balance"] = len(rows(UNBALANCED.format(source="things")))
            _report(f"seed {seed}, round {number}, {time.monotonic() - started:.0f} s", totals - before)
    return totals


def faults_of_rounds(rounds: int, seed: int) -> list[list[str]]:
    """Return the faults of each round, one to three or as many as needed to draw each kind at least once.

    A kind is drawn again only after all the others.
    """
    rng, deck, drawn = random.Random(seed), [], []
    for _ in range(rounds):
        count = max(rng.choice((1, 1, 2, 3)), math.ceil(len(FAULTS) / rounds))
        if len(deck) < count:
            deck = [*deck, *rng.sample([*FAULTS], len(FAULTS))]
        drawn.append(deck[:count])
        del deck[:count]
    return drawn


def _report(name: str, change: Counter[str]) -> None:
    faults = [fault for fault in FAULTS if change[fault]]
    wrong = {problem: change[problem] for problem in WRONG if change[problem]}
    print(f"{name}: {faults} {wrong or 'ok'}", file=sys.stderr, flush=True)


@contextmanager
def _own_servers() -> Iterator[Servers]:
    """Start a warehouse and a broker, name them in the environment, and delete both afterwards."""
    broker = own_broker_paths(Path(tempfile.mkdtemp(prefix="waybill-chaos-")))
    fast_compaction = {"log.cleaner.backoff.ms": "300"}
    port, _ = choose_ports(BrokerPaths(broker.home / "none"))
    listener = ExtraListener("CHAOS", port, "PLAINTEXT", fast_compaction)
    with own_server() as warehouse, pytest.MonkeyPatch.context() as patch:
        start_broker(broker, listener)
        patch.setenv("KAFKA_BOOTSTRAP_SERVERS", str(broker_address(broker)))
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", str(MAX_BYTES))
        try:
            yield Servers(broker, warehouse, listener)
        finally:
            stop_broker(broker)
            shutil.rmtree(broker.home)


def _prepare_round(servers: Servers, number: int, rng: random.Random) -> ChaosRound:
    """Write the declaration of the round's source, which comes from the round's topic."""
    folder = servers.broker.home / f"round-{number}"
    folder.mkdir()
    name = f"chaos-{number}"
    declare_things(folder, name)
    topic = ObservedTopic(str(broker_address(servers.broker)), name)
    return ChaosRound(folder, servers, topic, rng, poll_records=rng.randint(100, 4000))


def _run_round(this: ChaosRound, faults: list[str], totals: Counter[str]) -> None:
    """Send and consume messages under faults, then compare the ledger with the topic."""
    rng, topic = this.rng, this.topic
    partitions = rng.randint(1, 3)
    topic.is_compacted = rng.random() < 0.2
    create_topic(topic.name, partitions, configs=COMPACTED if topic.is_compacted else None)
    todo = list(make_messages(rng, partitions, has_keys=topic.is_compacted))
    topic.sent = {message.value for message in todo if message.value is not None}
    sender = Sender(topic.server, topic.name, todo, in_transactions=rng.random() < 0.3, seed=rng.randrange(10**6))
    for _ in range(rng.randint(1, 2)):
        this.start_consumer()
    if rng.random() < 0.75:  # in the other rounds the faults hit consumers that are starting
        this.wait_for_start()
    sender.start()
    for name in faults:
        time.sleep(rng.uniform(0, SECONDS / 2))
        totals[name] += 1
        totals[AT_WORK] += sender.is_alive() and this.has_started()
        FAULTS[name](this)
    sender.join()
    if sender.error:
        raise sender.error
    topic.read()
    _wait_until_caught_up(this, totals)
    _end_consumers(this, totals)
    topic.read()
    topic.compare(totals)


def _wait_until_caught_up(this: ChaosRound, totals: Counter[str]) -> None:
    """Wait until the running consumers have brought the ledger past the last message."""
    if this.was_truncated:  # they stop at the gap
        return
    if all(consumer.was_stopped for consumer in this.running()):
        this.start_consumer()
    deadline = time.monotonic() + CATCH_UP_SECONDS
    ends = this.topic.ends
    while time.monotonic() < deadline:
        with suppress(psycopg2.Error, WarehouseError):
            positions = this.topic.positions()
            if all(positions.get(partition, 0) >= end for partition, end in ends.items()):
                return
        time.sleep(0.2)
        forget()
    totals["rounds that did not catch up"] += 1
    print(f"did not catch up: {this.topic.positions()} of {ends}", file=sys.stderr)


def _end_consumers(this: ChaosRound, totals: Counter[str]) -> None:
    """Stop all consumers, read the rest with one more consumer of its own group, and count how they ended."""
    for consumer in this.running():
        consumer.stop()
    ended = [(consumer, consumer.wait_for_end()) for consumer in this.consumers]
    last, output = _read_rest(this)
    for consumer, text in [*ended, (last, output)]:
        totals["consumers"] += 1
        totals["tracebacks"] += "Traceback" in text
        has_error = bool(consumer.process.returncode) and not _is_excused(this, consumer, text)
        # the last consumer is a batch job: it exits with 1 and one line if no server is there when it starts
        found_no_server = consumer is last and HAS_STARTED not in text
        has_failed = has_error and not found_no_server
        totals["consumers that found no server"] += has_error and found_no_server
        totals["consumers that failed"] += has_failed
        if has_failed or "Traceback" in text:
            print(f"{consumer.log}: exit {consumer.process.returncode}\n{text[-3000:]}", file=sys.stderr)


def _is_excused(this: ChaosRound, consumer: Consumer, text: str) -> bool:
    """Return whether a consumer had to exit with an error: it was killed, or stopped early, or met a real gap."""
    was_stopped_early = (
        consumer.process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM) and HAS_STARTED not in text
    )
    return consumer.was_killed or was_stopped_early or (this.was_truncated and "--accept-gap" in text)


def _read_rest(this: ChaosRound) -> tuple[Consumer, str]:
    """Read to the end with one more consumer; again if it started before the server was back."""
    accept = ["--accept-gap"] if this.was_truncated else []
    for _ in range(MAX_LAST_READS):
        last = this.start_consumer("--until-end", *accept, group="last")
        text = last.wait_for_end()
        if not last.process.returncode or HAS_STARTED in text:
            break
    return last, text
