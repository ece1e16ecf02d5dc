"""A Kafka broker of the benchmark's own, gone in the end; its jars are the project's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.local_broker import server as local_broker
from streaming.local_broker.process import BrokerPaths, address, find_broker
from waybill.settings import get_settings


@contextmanager
def own_broker() -> Iterator[BrokerPaths]:
    """Name a fresh broker in KAFKA_BOOTSTRAP_SERVERS."""
    jars = find_broker(get_settings()).jars
    jars.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    place = BrokerPaths(Path(tempfile.mkdtemp(prefix="waybill-bench-broker-")))
    place.jars.symlink_to(jars)
    local_broker.start(place)
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = str(address(place))
    try:
        yield place
    finally:
        local_broker.stop(place)
        shutil.rmtree(place.home)
        os.environ.pop("KAFKA_BOOTSTRAP_SERVERS")
        if before is not None:
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = before
