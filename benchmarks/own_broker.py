# waybill: sample
"""Starts the benchmark's own Kafka broker, which shares only its jars with the project's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.local_broker.process import BrokerPaths, broker_address, broker_paths
from streaming.local_broker.server import start_broker, stop_broker
from waybill.settings import get_settings


@contextmanager
def own_broker() -> Iterator[BrokerPaths]:
    """Start a new broker, name it in KAFKA_BOOTSTRAP_SERVERS, and delete it afterwards."""
    jars = broker_paths(get_settings()).jars
    jars.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    paths = BrokerPaths(Path(tempfile.mkdtemp(prefix="waybill-bench-broker-")))
    paths.jars.symlink_to(jars)
    start_broker(paths)
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = str(broker_address(paths))
    try:
        yield paths
    finally:
        stop_broker(paths)
        shutil.rmtree(paths.home)
        os.environ.pop("KAFKA_BOOTSTRAP_SERVERS")
        if before is not None:
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = before
