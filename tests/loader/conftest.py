"""The source `things`, declared in a temporary folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import loader.declarations

CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "updated_at"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "updated_at": {"type": "string"},
        "nested": {"type": "object", "properties": {"a": {}}},
    },
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Declare the source `things`; return a folder for its files."""
    declared = tmp_path / "declared"
    declared.mkdir()
    declaration = {
        "source": "things",
        "description": "things",
        "contract": "things.schema.json",
        "key": ["/id"],
        "version": "/updated_at",
        "files": [
            {"pattern": "*.ndjson", "layout": "ndjson"},
            {"pattern": "*.json", "layout": "array"},
            {"pattern": "*.rec", "layout": "records", "records_at": "/data/things"},
            {"pattern": "*.doc", "layout": "document"},
        ],
    }
    (declared / "things.yml").write_text(yaml.safe_dump(declaration))
    (declared / "things.schema.json").write_text(json.dumps(CONTRACT))
    monkeypatch.setattr(loader.declarations, "SOURCES", declared)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", declared)
    folder = tmp_path / "raw"
    folder.mkdir()
    monkeypatch.setenv("WAYBILL_RAW", str(folder))
    return folder


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Land batches of a few documents, so that a small file lands in many of them."""
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "4000")
