"""A real broker in a temporary folder, with the jars of the project."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from streaming.local_broker.process import BrokerPaths, broker_address
from streaming.local_broker.server import start_broker, stop_broker
from tests.support.kafka.broker import own_broker_paths


@pytest.fixture(scope="session")
def broker_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerPaths]:
    place = own_broker_paths(tmp_path_factory.mktemp("broker"))
    start_broker(place)
    yield place
    stop_broker(place)


@pytest.fixture
def broker(broker_place: BrokerPaths, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name the tests' broker in the environment; start it again if an earlier test killed it."""
    start_broker(broker_place)
    found = broker_address(broker_place)
    assert found
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", found)
    return found


@pytest.fixture
def topic() -> str:
    return f"t-{uuid4().hex[:12]}"
