"""What can go wrong while a topic is consumed; each fault strikes, and brings back what it took away."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kafka import TopicPartition
from kafka.errors import OffsetOutOfRangeError

from streaming.cluster import admin
from streaming.errors import BrokerNotStarted
from streaming.local_broker.configuration import ExtraListener
from streaming.local_broker.process import BrokerPaths, find_broker_process
from streaming.local_broker.server import start_broker
from tests.crash.servers import backends, kill, processes
from tests.crash.topic_truth import Topic
from tests.support.kafka.consume import SESSION_MS
from warehouse.server_paths import ServerPaths
from waybill.settings import PROJECT

END_SECONDS = 90
BROKER_TRIES = 3


@dataclass
class Consumer:
    """One consumer process with what it says."""

    process: subprocess.Popen[bytes]
    log: Path
    was_killed: bool = False
    was_told: bool = False

    def tell(self) -> None:
        """Tell it to end, once: a second time would end it at once."""
        if not self.was_told:
            self.process.terminate()
        self.was_told = True

    def kill(self) -> None:
        """Kill it without a word."""
        self.process.kill()
        self.was_killed = True

    def end(self) -> str:
        """Wait until it has ended, by force at last; return what it said."""
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return self.log.read_text() + "\nchaos: did not end when it was told to"
        return self.log.read_text()


@dataclass
class Scene:
    """All that a fault can strike in one round."""

    folder: Path
    warehouse: ServerPaths
    broker: BrokerPaths
    listener: ExtraListener
    topic: Topic
    chance: random.Random
    poll_records: int  # at most so many a transaction: few give more moments to strike at
    consumers: list[Consumer] = field(default_factory=list)
    was_cut: bool = False

    def start(self, *arguments: str, group: str = "one") -> Consumer:
        """Start one more consumer."""
        log = self.folder / f"consumer-{len(self.consumers)}.log"
        command = [
            sys.executable,
            "-m",
            "tests.support.kafka.consume",
            str(self.folder),
            str(self.poll_records),
            "things",
        ]
        command += ["--group", f"{self.topic.name}-{group}", *arguments]
        with log.open("wb") as said:
            process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=said)
        self.consumers.append(Consumer(process, log))
        return self.consumers[-1]

    def await_work(self) -> None:
        """Wait until a consumer has taken up its partitions, for some time."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not any(
            "reading partitions" in consumer.log.read_text() for consumer in self.consumers
        ):
            time.sleep(0.05)

    def living(self) -> list[Consumer]:
        """Return the consumers that run."""
        return [consumer for consumer in self.consumers if consumer.process.poll() is None]

    def pick(self) -> Consumer:
        """Return one that runs, starting one when none does."""
        return self.chance.choice(self.living() or [self.start()])

    def clear(self) -> None:
        """Leave no process behind, whatever ended the round."""
        for consumer in self.living():
            consumer.process.kill()
            consumer.process.wait()

    def start_broker(self) -> None:
        """Bring the broker up with what the rounds need of it."""
        for _ in range(BROKER_TRIES - 1):
            with suppress(BrokerNotStarted):  # on a busy machine it may miss its own deadlines
                start_broker(self.broker, self.listener)
                return
        start_broker(self.broker, self.listener)


def kill_consumer(scene: Scene) -> None:
    """Kill one and start another, which gets the partitions when the group has missed the first for long enough."""
    scene.pick().kill()
    scene.start()


def kill_backend(scene: Scene) -> None:
    """Kill the process that serves a consumer; PostgreSQL then ends all others, too."""
    kill(backends(scene.warehouse))


def kill_postmaster(scene: Scene) -> None:
    """Kill the postmaster only; its children notice."""
    kill(processes(scene.warehouse)[:1])


def kill_server(scene: Scene) -> None:
    """Kill all of PostgreSQL at once."""
    kill(processes(scene.warehouse))


def kill_all(scene: Scene) -> None:
    """Kill PostgreSQL and a consumer."""
    kill(processes(scene.warehouse))
    kill_consumer(scene)


def kill_broker(scene: Scene) -> None:
    """Kill the broker; it comes back after a while."""
    process = find_broker_process(scene.broker)
    if process:
        process.kill()
        process.wait(10)
    time.sleep(scene.chance.uniform(0, 2))
    scene.start_broker()


def halt_consumer(scene: Scene) -> None:
    """Stop one until its partitions were given to another, then wake it: it goes on where it was, in mid-write."""
    victim = scene.pick()
    victim.process.send_signal(signal.SIGSTOP)
    scene.start()
    time.sleep(SESSION_MS / 1000 + scene.chance.uniform(0, 3))
    victim.process.send_signal(signal.SIGCONT)


def add_rival(scene: Scene) -> None:
    """Start a consumer of another group: two that both have every partition."""
    scene.start(group="two")


def rebalance(scene: Scene) -> None:
    """Have one more join the group and leave it again, or one leave that was there."""
    scene.start()
    time.sleep(scene.chance.uniform(1, 4))
    scene.pick().tell()
    if all(consumer.was_told for consumer in scene.living()):
        scene.start()


def cut_log(scene: Scene) -> None:
    """Delete the beginning of a partition, sometimes of what nobody has landed; who meets the gap stops."""
    is_missed = scene.chance.random() < 0.7
    for consumer in scene.living() if is_missed else []:
        consumer.kill()
    time.sleep(0.5)
    scene.topic.read()
    partition, end = scene.chance.choice(sorted(scene.topic.ends.items()) or [(0, 1)])
    scene.was_cut = True
    with suppress(OffsetOutOfRangeError), admin() as client:  # nothing is there yet
        client.delete_records({TopicPartition(scene.topic.name, partition): scene.chance.randint(end // 2, end)})
    if is_missed:
        scene.start()


FAULTS: dict[str, Callable[[Scene], None]] = {
    "consumer killed": kill_consumer,
    "PostgreSQL backend killed": kill_backend,
    "postmaster killed": kill_postmaster,
    "PostgreSQL killed": kill_server,
    "PostgreSQL and consumer killed": kill_all,
    "broker killed": kill_broker,
    "consumer halted and woken": halt_consumer,
    "rival on the same partitions": add_rival,
    "rebalance": rebalance,
    "log cut": cut_log,
}
