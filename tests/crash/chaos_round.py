"""One round of chaos: the servers, the topic and the consumer processes that faults can hit."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from streaming.errors import BrokerNotStarted
from streaming.local_broker.configuration import ExtraListener
from streaming.local_broker.process import BrokerPaths
from streaming.local_broker.server import start_broker
from tests.crash.observed_topic import ObservedTopic
from warehouse.server_paths import ServerPaths
from waybill.settings import PROJECT

END_SECONDS = 90
START_SECONDS = 15
BROKER_TRIES = 3
HAS_STARTED = "reading partitions"  # the consumer logs it when it starts its first partitions


@dataclass
class Consumer:
    """A consumer process and the log of its output."""

    process: subprocess.Popen[bytes]
    log: Path
    was_killed: bool = False
    was_stopped: bool = False

    def has_started(self) -> bool:
        """Return whether it has begun to read its partitions."""
        return HAS_STARTED in self.log.read_text()

    def stop(self) -> None:
        """Send SIGTERM, once: a second one would end it before it has landed its current batches."""
        if not self.was_stopped:
            self.process.terminate()
        self.was_stopped = True

    def kill(self) -> None:
        """Send signal 9."""
        self.process.kill()
        self.was_killed = True

    def wait_for_end(self) -> str:
        """Wait until it ends, and kill it after END_SECONDS; return its output."""
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return self.log.read_text() + "\nchaos: the consumer did not stop after SIGTERM"
        return self.log.read_text()


@dataclass(frozen=True)
class Servers:
    """The warehouse and the broker that all rounds use; the listener's properties make compaction fast."""

    broker: BrokerPaths
    warehouse: ServerPaths
    listener: ExtraListener

    def start_broker(self) -> None:
        """Start the broker; on a busy machine it may miss its own deadlines, so try more than once."""
        for _ in range(BROKER_TRIES - 1):
            with suppress(BrokerNotStarted):
                start_broker(self.broker, self.listener)
                return
        start_broker(self.broker, self.listener)


@dataclass
class ChaosRound:
    """Everything that a fault can hit in one round."""

    folder: Path
    servers: Servers
    topic: ObservedTopic
    rng: random.Random
    poll_records: int  # at most so many messages a transaction: small ones give faults more moments to hit
    consumers: list[Consumer] = field(default_factory=list)
    was_truncated: bool = False

    def start_consumer(self, *arguments: str, group: str = "one") -> Consumer:
        """Start one more consumer."""
        log = self.folder / f"consumer-{len(self.consumers)}.log"
        command = [sys.executable, "-m", "tests.support.kafka.consume", str(self.folder), str(self.poll_records)]
        command += ["things", "--group", f"{self.topic.name}-{group}", *arguments]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=output)
        self.consumers.append(Consumer(process, log))
        return self.consumers[-1]

    def wait_for_start(self) -> None:
        """Wait until a consumer reads its partitions, for at most START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self.has_started():
            time.sleep(0.05)

    def has_started(self) -> bool:
        """Return whether a running consumer reads its partitions."""
        return any(consumer.has_started() for consumer in self.running())

    def running(self) -> list[Consumer]:
        """Return the consumers that are running."""
        return [consumer for consumer in self.consumers if consumer.process.poll() is None]

    def pick_consumer(self) -> Consumer:
        """Return a random running consumer, if possible one that reads its partitions; start one if none is running."""
        running = self.running() or [self.start_consumer()]
        return self.rng.choice([consumer for consumer in running if consumer.has_started()] or running)

    def kill_all(self) -> None:
        """Kill all consumers, however the round ended."""
        for consumer in self.running():
            consumer.process.kill()
            consumer.process.wait()
