"""A real broker in a temporary folder, with the jars of the project."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from streaming.local_broker.process import BrokerPaths, broker_address
from streaming.local_broker.server import start_broker, stop_broker
from tests.support.kafka.broker import own_broker_paths


@pytest.fixture(scope="session")
def session_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerPaths]:
    paths = own_broker_paths(tmp_path_factory.mktemp("broker"))
    start_broker(paths)
    yield paths
    stop_broker(paths)


@pytest.fixture
def broker(session_broker: BrokerPaths, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name the tests' broker in the environment; start it again if an earlier test killed it."""
    start_broker(session_broker)
    found = broker_address(session_broker)
    assert found
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", found)
    return found


@pytest.fixture
def topic() -> str:
    return f"t-{uuid4().hex[:12]}"
