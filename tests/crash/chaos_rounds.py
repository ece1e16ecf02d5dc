"""Consumes a topic while things go wrong, waits for it to catch up, and compares with what the topic holds (P1–P3)."""

from __future__ import annotations

import json
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
import yaml

from streaming.local_broker.configuration import ExtraListener
from streaming.local_broker.process import BrokerPaths, broker_address, choose_ports
from streaming.local_broker.server import start_broker, stop_broker
from streaming.topics import create_topic
from tests.crash.faults import FAULTS, Consumer, Scene
from tests.crash.rounds import UNBALANCED
from tests.crash.topic_truth import Topic
from tests.crash.traffic import LARGEST_BYTES, SECONDS, Sender, messages
from tests.support.databases import own_server, rows
from tests.support.kafka.broker import own_broker_paths
from warehouse.connection import connection_parameters, forget
from warehouse.errors import WarehouseError
from warehouse.server_paths import ServerPaths

CONTRACT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "text": {}}}
COMPACTED = {"cleanup.policy": "compact,delete", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001"}
CATCH_UP_SECONDS = 60
TRIES = 4
WRONG = (
    "lost", "doubled", "landed, not in the topic", "landed wrong", "rejected wrong", "batches that overlap",
    "batches that miscount", "gaps that hide messages", "books that do not balance", "stalled", "consumers that failed", "tracebacks",
)  # fmt: skip


def run_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on a warehouse and a broker of their own; return what was done and what was found wrong.

    Ctrl-C ends it with what was found in the rounds so far.
    """
    found: Counter[str] = Counter()
    with suppress(KeyboardInterrupt), _stage() as stage:
        connection_parameters("owner")
        for number in range(rounds):
            chance = random.Random(f"{seed} {number}")
            before, started = Counter(found), time.monotonic()
            scene = _scene(stage, number, chance)
            try:
                _round(scene, found)
            finally:
                scene.clear()
            found["rounds"] += 1
            forget()
            found["books that do not balance"] = len(rows(UNBALANCED.format(source="things")))
            wrong = {name: found[name] - before[name] for name in WRONG if found[name] > before[name]}
            faults = [name for name in FAULTS if found[name] > before[name]]
            seconds = time.monotonic() - started
            print(
                f"seed {seed}, round {number}, {seconds:.0f} s: {faults} {wrong or 'ok'}", file=sys.stderr, flush=True
            )
    return found


@contextmanager
def _stage() -> Iterator[tuple[BrokerPaths, ServerPaths, ExtraListener]]:
    """Name a warehouse and a broker in the environment that nobody else uses; both are gone in the end."""
    broker = own_broker_paths(Path(tempfile.mkdtemp(prefix="waybill-chaos-")))
    compacts = {"log.cleaner.backoff.ms": "300"}
    listener = ExtraListener("CHAOS", choose_ports(BrokerPaths(broker.home / "none"))[0], "PLAINTEXT", compacts)
    with own_server() as warehouse, pytest.MonkeyPatch.context() as patch:
        start_broker(broker, listener)
        patch.setenv("KAFKA_BOOTSTRAP_SERVERS", str(broker_address(broker)))
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", str(LARGEST_BYTES))
        try:
            yield broker, warehouse, listener
        finally:
            stop_broker(broker)
            shutil.rmtree(broker.home)


def _round(scene: Scene, found: Counter[str]) -> None:
    chance, topic = scene.chance, scene.topic
    partitions = chance.randint(1, 3)
    topic.forgets = chance.random() < 0.2
    create_topic(topic.name, partitions, configs=COMPACTED if topic.forgets else None)
    todo = list(messages(chance, partitions, has_keys=topic.forgets))
    topic.sent = {message.value for message in todo if message.value is not None}
    sender = Sender(topic.server, topic.name, todo, in_transactions=chance.random() < 0.3, seed=chance.randrange(10**6))
    for _ in range(chance.randint(1, 2)):
        scene.start()
    if chance.random() < 0.75:  # else it strikes while they start
        scene.await_work()
    sender.start()
    for name in chance.sample([*FAULTS], chance.choice((1, 1, 2, 3))):
        time.sleep(chance.uniform(0, SECONDS / 2))
        found[name] += 1
        FAULTS[name](scene)
    sender.join()
    if sender.error:
        raise sender.error
    topic.read()
    _catch_up(scene, found)
    _end(scene, found)
    topic.read()
    topic.compare(found)


def _catch_up(scene: Scene, found: Counter[str]) -> None:
    """Wait until the ledger is behind the last message: those that run have to get there by themselves."""
    if scene.was_cut:  # they stop at the gap
        return
    if all(consumer.was_told for consumer in scene.living()):
        scene.start()
    deadline = time.monotonic() + CATCH_UP_SECONDS
    ends = scene.topic.ends
    while time.monotonic() < deadline:
        with suppress(psycopg2.Error, WarehouseError):
            at = scene.topic.positions()
            if all(at.get(partition, 0) >= end for partition, end in ends.items()):
                return
        time.sleep(0.2)
        forget()
    found["stalled"] += 1
    print(f"stalled: {scene.topic.positions()} of {ends}", file=sys.stderr)


def _end(scene: Scene, found: Counter[str]) -> None:
    """Tell all to end, then have one more read to the end, under a group of its own."""
    for consumer in scene.living():
        consumer.tell()
    consumers = list(scene.consumers)
    said = [consumer.end() for consumer in consumers]
    last = _read_to_the_end(scene)
    for consumer, text in [*zip(consumers, said, strict=True), last]:
        found["consumers"] += 1
        code = consumer.process.returncode
        has_begun = "reading partitions" in text
        was_deaf = code == -signal.SIGTERM and not has_begun  # it was told before it could hear
        excused = consumer.was_killed or was_deaf or (scene.was_cut and "--accept-gap" in text)
        # the last one is a batch job: a server that is away before it begins is one line and exit 1
        found_none = consumer is last[0] and not has_begun
        failed = bool(code) and not excused and not found_none
        found["consumers that found no server"] += bool(code) and not excused and found_none
        found["consumers that failed"] += failed
        found["tracebacks"] += "Traceback" in text
        if failed or "Traceback" in text:
            print(f"{consumer.log}: exit {code}\n{text[-3000:]}", file=sys.stderr)


def _read_to_the_end(scene: Scene) -> tuple[Consumer, str]:
    """Have one more consumer read to the end; again when it came while the server was not back."""
    for _ in range(TRIES):
        last = scene.start("--until-end", *(["--accept-gap"] if scene.was_cut else []), group="last")
        text = last.end()
        if not last.process.returncode or "reading partitions" in text:
            break
    return last, text


def _scene(stage: tuple[BrokerPaths, ServerPaths, ExtraListener], number: int, chance: random.Random) -> Scene:
    """Make the round's topic and the declaration of the source that comes from it."""
    broker, warehouse, listener = stage
    folder = broker.home / f"round-{number}"
    folder.mkdir()
    name = f"chaos-{number}"
    declaration = {
        "source": "things", "description": "Things.", "contract": "things.schema.json", "topic": name,
        "key": ["/id"], "version": "/id",
    }  # fmt: skip
    (folder / "things.yml").write_text(yaml.safe_dump(declaration))
    (folder / "things.schema.json").write_text(json.dumps(CONTRACT))
    return Scene(
        folder, warehouse, broker, listener, Topic(str(broker_address(broker)), name), chance, chance.randint(100, 4000)
    )
