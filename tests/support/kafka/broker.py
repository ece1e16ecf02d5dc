"""Folders for a broker in a test, with the jars of the project."""

from __future__ import annotations

from pathlib import Path

from streaming.local_broker.process import BrokerPaths, broker_paths
from waybill.settings import get_settings


def own_broker_paths(folder: Path) -> BrokerPaths:
    """Return the paths of a broker in this folder, which borrows the project's jars."""
    shared = broker_paths(get_settings()).jars
    shared.mkdir(parents=True, exist_ok=True)
    paths = BrokerPaths(folder)
    folder.mkdir(exist_ok=True)
    paths.jars.symlink_to(shared)
    return paths
