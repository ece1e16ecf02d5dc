"""The source `orders`, which tests declare in a temporary folder, and its documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import loader.declarations

DECLARATION = {
    "source": "orders",
    "description": "Orders.",
    "contract": "orders.schema.json",
    "key": ["/shop/code", "/order_number", "/ordered/date"],
    "version": "/updated_at",
    "files": [
        {"pattern": "orders/*.ndjson", "layout": "ndjson"},
        {"pattern": "orders/*.json", "layout": "array"},
    ],
}
CONTRACT = {
    "type": "object",
    "required": ["shop", "order_number", "updated_at"],
    "properties": {
        "shop": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
        "order_number": {"type": "integer"},
        "ordered": {"type": "object", "properties": {"date": {"type": "string"}}},
        "updated_at": {"type": "string"},
        "note": {},
        "pad": {},
    },
}


def write_declaration(folder: Path, **changes: Any) -> None:
    """Write the declaration and the contract of the source `orders`."""
    folder.mkdir(exist_ok=True)
    (folder / "orders.yml").write_text(yaml.safe_dump({**DECLARATION, **changes}))
    (folder / "orders.schema.json").write_text(json.dumps(CONTRACT))


def declare_orders(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Declare the source `orders`, and no other, in this process."""
    write_declaration(folder, **changes)
    for name in ("SOURCES", "CONTRACTS"):
        monkeypatch.setattr(loader.declarations, name, folder)


def order(number: int = 1, **more: Any) -> dict[str, Any]:
    """Return a good order."""
    return {
        "shop": {"code": "NE"},
        "order_number": number,
        "ordered": {"date": "2013-12-01"},
        "updated_at": "2013-12-02T00:00:00Z",
        **more,
    }
