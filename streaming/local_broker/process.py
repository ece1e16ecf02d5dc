"""The local broker's process: its folders, its ports, and whether it is the one that lives under its number."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from waybill.background_processes import LOOPBACK, accepts_connections, find_running, last_started
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


def find_broker(settings: Settings) -> BrokerPaths:
    """Return where this project's local broker stands."""
    return BrokerPaths(settings.state_folder / "kafka")


def address(place: BrokerPaths) -> str | None:
    """Return `host:port` of the broker that was started last, None if there was none."""
    found = last_started(place.state)
    return f"{LOOPBACK}:{found.details['port']}" if found else None


def answers(place: BrokerPaths) -> bool:
    """Return whether the broker is running and its listener accepts connections."""
    found = find_running(place.state)
    return found is not None and accepts_connections(found.details["port"])


def find_process(place: BrokerPaths) -> psutil.Process | None:
    """Return the broker's process if it is running."""
    found = last_started(place.state)
    return found.find() if found else None


def choose_ports(place: BrokerPaths) -> tuple[int, int]:
    """Return the listener's and the controller's port.

    Those of the last start are used again if they are free, so that clients find the broker.
    """
    found = last_started(place.state)
    if found:
        port, controller_port = found.details["port"], found.details["controller_port"]
        if not accepts_connections(port) and not accepts_connections(controller_port):
            return port, controller_port
    with socket.socket() as first, socket.socket() as second:  # open together, so that they differ
        first.bind((LOOPBACK, 0))
        second.bind((LOOPBACK, 0))
        return first.getsockname()[1], second.getsockname()[1]
