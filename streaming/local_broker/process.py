"""The local broker's folder, its process and its ports."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from waybill.background_processes import LOOPBACK, accepts_connections, find_running, last_started
from waybill.settings import Settings


class BrokerPorts(NamedTuple):
    """The ports of the broker's two listeners: for clients, and for the controller."""

    clients: int
    controller: int


@dataclass(frozen=True)
class BrokerPaths:
    """The files and folders of one local broker, all of them in `home`."""

    home: Path

    @property
    def data(self) -> Path:
        """The folder of the topics' logs."""
        return self.home / "data"

    @property
    def properties(self) -> Path:
        """The configuration, which every start rewrites."""
        return self.home / "server.properties"

    @property
    def state(self) -> Path:
        """The process and ports of the last start."""
        return self.home / "broker.json"

    @property
    def jars(self) -> Path:
        """The folder of the broker's jars."""
        return self.home / "jars"

    @property
    def log(self) -> Path:
        """What the broker logs."""
        return self.home / "broker.log"


def broker_paths(settings: Settings) -> BrokerPaths:
    """Return the paths of this project's local broker."""
    return BrokerPaths(settings.state_folder / "kafka")


def broker_address(paths: BrokerPaths) -> str | None:
    """Return `host:port` of the broker that was started last; None if there was none."""
    found = last_started(paths.state)
    return f"{LOOPBACK}:{found.details['port']}" if found else None


def is_running(paths: BrokerPaths) -> bool:
    """Return whether the broker is running and its listener accepts connections."""
    found = find_running(paths.state)
    return found is not None and accepts_connections(found.details["port"])


def find_broker_process(paths: BrokerPaths) -> psutil.Process | None:
    """Return the broker's process if it is running."""
    found = last_started(paths.state)
    return found.find() if found else None


def choose_ports(paths: BrokerPaths) -> BrokerPorts:
    """Return the ports of the last start if they are free, so that clients find the broker; else two free ports."""
    found = last_started(paths.state)
    if found:
        ports = BrokerPorts(found.details["port"], found.details["controller_port"])
        if not any(map(accepts_connections, ports)):
            return ports
    with socket.socket() as first, socket.socket() as second:  # both are open at once, so that the ports differ
        first.bind((LOOPBACK, 0))
        second.bind((LOOPBACK, 0))
        return BrokerPorts(first.getsockname()[1], second.getsockname()[1])
