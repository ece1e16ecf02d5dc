"""A Kafka broker of the benchmark's own, gone in the end; its jars are the project's."""

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
    """Name a fresh broker in KAFKA_BOOTSTRAP_SERVERS."""
    jars = broker_paths(get_settings()).jars
    jars.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    place = BrokerPaths(Path(tempfile.mkdtemp(prefix="waybill-bench-broker-")))
    place.jars.symlink_to(jars)
    start_broker(place)
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = str(broker_address(place))
    try:
        yield place
    finally:
        stop_broker(place)
        shutil.rmtree(place.home)
        os.environ.pop("KAFKA_BOOTSTRAP_SERVERS")
        if before is not None:
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = before
