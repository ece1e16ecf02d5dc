"""The local broker's process: its folders, its ports, and whether it is the one that lives under its number."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from waybill.atomic_files import write_atomic
from waybill.background_processes import LOOPBACK, end, living, takes_connections
from waybill.settings import Settings


@dataclass(frozen=True)
class BrokerPaths:
    """The folders of one local broker."""

    home: Path

    @property
    def data(self) -> Path:
        """Where its log is kept."""
        return self.home / "data"

    @property
    def properties(self) -> Path:
        """Its configuration, written at every start."""
        return self.home / "server.properties"

    @property
    def state(self) -> Path:
        """What is remembered of the process and its ports."""
        return self.home / "broker.json"

    @property
    def jars(self) -> Path:
        """What it is made of."""
        return self.home / "jars"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home / "broker.log"


@dataclass(frozen=True)
class Remembered:
    """The last start: process, when it was created (seconds since 1970), and the two ports."""

    pid: int
    created: float
    port: int
    controller_port: int


def find_broker(settings: Settings) -> BrokerPaths:
    """Return where this project's local broker stands."""
    return BrokerPaths(settings.state_folder / "kafka")


def last_start(place: BrokerPaths) -> Remembered | None:
    """Return what is remembered of the last start; None when there was none."""
    try:
        return Remembered(**json.loads(place.state.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def remember(place: BrokerPaths, pid: int, ports: tuple[int, int]) -> None:
    """Write down a start, whole or not at all."""
    write_atomic(place.state, json.dumps(asdict(Remembered(pid, psutil.Process(pid).create_time(), *ports))))


def address(place: BrokerPaths) -> str | None:
    """Return `host:port` of the last start, None when there was none."""
    found = last_start(place)
    return f"{LOOPBACK}:{found.port}" if found else None


def answers(place: BrokerPaths) -> bool:
    """Whether the broker's process lives and its listener takes connections."""
    found = last_start(place)
    return found is not None and living_process(place) is not None and takes_connections(found.port)


def living_process(place: BrokerPaths) -> psutil.Process | None:
    """Return the broker's process when it lives."""
    found = last_start(place)
    return living(found.pid, found.created) if found else None


def terminate(place: BrokerPaths) -> bool:
    """End the broker's process, by force when it does not go by itself; return whether it lived."""
    process = living_process(place)
    if process is None:
        return False
    end(process)
    return True


def choose_ports(place: BrokerPaths) -> tuple[int, int]:
    """Return the ports of the last start where they are free, so that clients find the broker, else two others."""
    found = last_start(place)
    if found and not takes_connections(found.port) and not takes_connections(found.controller_port):
        return found.port, found.controller_port
    with socket.socket() as first, socket.socket() as second:  # open together, so that they differ
        first.bind((LOOPBACK, 0))
        second.bind((LOOPBACK, 0))
        return first.getsockname()[1], second.getsockname()[1]
