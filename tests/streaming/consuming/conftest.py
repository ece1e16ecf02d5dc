"""The source `things`, with an empty topic and an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import loader.declarations
from streaming.topics import create_topic
from tests.support.kafka.things import Things, declare_things


@pytest.fixture
def things(tmp_path: Path, topic: str, broker: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Things]:
    declare_things(tmp_path, topic)
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path)
    create_topic(topic, 2)
    yield Things(tmp_path, topic, broker)
