"""The source `things`, with an empty topic and an empty database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import loader.declarations
from streaming.topics import create_topic
from tests.support.kafka.things import CONTRACT, Things


@pytest.fixture
def things(tmp_path: Path, topic: str, broker: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Things]:
    declaration = {
        "source": "things", "description": "Things.", "contract": "things.schema.json", "topic": topic,
        "key": ["/id"], "version": "/id",
    }  # fmt: skip
    (tmp_path / "things.yml").write_text(yaml.safe_dump(declaration))
    (tmp_path / "things.schema.json").write_text(json.dumps(CONTRACT))
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path)
    create_topic(topic, 2)
    yield Things(tmp_path, topic, broker)
