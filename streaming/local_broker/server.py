"""The local broker: a real Apache Kafka on loopback, made, started and stopped here; it outlives the command."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

from streaming.errors import BrokerNotStarted
from streaming.local_broker.jars import jars
from streaming.local_broker.java import find_java
from streaming.local_broker.process import BrokerPaths, answers, choose_ports, find_process
from waybill.atomic_files import write_private
from waybill.background_processes import LOOPBACK, remember
from waybill.background_processes import stop as stop_process
from waybill.file_lock import file_lock

START_SECONDS = 60
HEAP = "512m"

# One node that is broker and controller. A killed broker is back in seconds because its session is short; internal
# topics have one copy because there is one node; what was sent stays until the topic says otherwise.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}{listeners}
advertised.listeners=PLAINTEXT://{host}:{port}{listeners}
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.retention.ms=-1
"""


@dataclass(frozen=True)
class ExtraListener:
    """One more listener, such as one that asks for TLS and SASL: its name, port, protocol and properties."""

    name: str
    port: int
    protocol: str
    properties: Mapping[str, str]


def start(place: BrokerPaths, extra: ExtraListener | None = None) -> bool:
    """Bring the broker up, making its data folder the first time; return whether it had to be started.

    Two commands that start at once take turns.

    Raises:
        JavaMissing, JarsMissing: see `streaming.errors`.
        BrokerNotStarted: it did not come up; the message ends with what the log says.
    """
    if answers(place):
        return False
    with _lock(place):
        if answers(place):
            return False
        java = [str(find_java()), f"-Xmx{HEAP}", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
        folders = sorted({jar.parent for jar in jars(place.jars)})
        java += ["-cp", os.pathsep.join(f"{folder.relative_to(place.home)}/*" for folder in folders)]
        stop_process(place.state)  # a process that lives and takes no connections is in the way
        ports = choose_ports(place)
        _configure(place, ports, extra)
        if not (place.data / "meta.properties").exists():
            _format(place, java)
        pid = _spawn([*java, "kafka.Kafka", place.properties.name], place)
        remember(place.state, pid, port=ports[0], controller_port=ports[1])
        _wait(place)
    return True


def stop(place: BrokerPaths) -> bool:
    """Stop the broker; what was sent to it stays. Return whether it was running."""
    with _lock(place):
        return stop_process(place.state)


def _lock(place: BrokerPaths) -> AbstractContextManager[None]:
    place.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file_lock(place.home / "lock")


def _configure(place: BrokerPaths, ports: tuple[int, int], extra: ExtraListener | None) -> None:
    text = PROPERTIES.format(
        host=LOOPBACK,
        port=ports[0],
        controller_port=ports[1],
        data=place.data.name,
        protocols=f",{extra.name}:{extra.protocol}" if extra else "",
        listeners=f",{extra.name}://{LOOPBACK}:{extra.port}" if extra else "",
    )
    for name, value in (extra.properties if extra else {}).items():
        text += f"{name}={value}\n"
    write_private(place.properties, text)


def _format(place: BrokerPaths, java: list[str]) -> None:
    cluster_id = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
    # in one word with its option: an identifier may begin with a hyphen
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", f"--config={place.properties.name}"]
    command = _inside(place, [*java, *tool])
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BrokerNotStarted(f"Kafka could not make {place.data}: {_telling_line(done.stdout + done.stderr)}")


def _spawn(command: list[str], place: BrokerPaths) -> int:
    """Start a process that outlives this one, in a session of its own; return its number."""
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, place.log, log_flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        *((os.POSIX_SPAWN_CLOSE, number) for number in _inherited()),
    ]
    command = _inside(place, command)
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def _inherited() -> list[int]:
    """Return what a child would have open of ours, such as the lock or the pipe of whoever called us."""
    numbers = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # the listing's own is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                numbers.append(int(name))
    return numbers


def _inside(place: BrokerPaths, command: list[str]) -> list[str]:
    """Return a command that runs in the broker's folder, so that no path of ours is spelled in what Java reads."""
    return ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(place.home), *command]


def _wait(place: BrokerPaths) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and find_process(place):
        if answers(place):
            return
        time.sleep(0.1)
    stop_process(place.state)
    said = _telling_line(place.log.read_text(errors="replace"))
    raise BrokerNotStarted(f"Kafka did not start; its log {place.log} says: {said}")


def _telling_line(text: str) -> str:
    lines = text.strip().splitlines()
    errors = [line for line in lines if "ERROR" in line or "Exception" in line]
    return (errors or lines or ["nothing"])[-1]
