"""A small warehouse to back up: orders that were loaded, a mart with a key, and the models of a task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from loader.load import load
from loader.plan import Request
from ml.registry.artefact import save
from ml.registry.model_bytes import versions
from pipeline.backups.folders import ERASURES, MANIFEST
from pipeline.backups.manifest import as_text, read_manifest
from tests.support.declared.orders import order
from warehouse.connection import engine
from waybill.identifiers import uuid7

MART = """
create table marts.fct_orders (order_id bigint primary key, shop text not null, note text, _batch_id uuid);
insert into marts.fct_orders
select (document ->> 'order_number')::bigint, document #>> '{shop,code}', document ->> 'note', _batch_id
from raw.orders
"""
MODEL = {
    "features": ["shop"],
    "label": "is_returned",
    "training_digest": "d",
    "task_digest": "t",
    "batches": {},
    "rows": {"learnt_from": 600},
    "threshold": 0.5,
}


def load_orders(folder: Path, numbers: range, note: str = "as ordered") -> None:
    """Land orders from a new file in a folder; the source is declared."""
    path = folder / f"{uuid4()}.ndjson"
    path.write_text("\n".join(json.dumps(order(number, note=note)) for number in numbers))
    load(Request(("orders",), (str(path),), "ndjson"))


def build_mart() -> None:
    """Make a mart of all orders."""
    with engine("transformer").begin() as connection:
        connection.execute(text(MART))


def save_model(task: str = "returns") -> str:
    """Save a model as training does, and return its id."""
    model_id = str(uuid7())
    save(task, None, {**MODEL, "model_id": model_id, "trained_at": model_id, "versions": versions()})
    return model_id


def change_manifest(backup: Path, **changes: Any) -> None:
    """Change members of a backup's manifest and give it the checksum of the changed text, so that it is whole."""
    (backup / MANIFEST).write_text(as_text(replace(read_manifest(backup), **changes)))


def beside_the_log(folder: Path) -> list[Path]:
    """Return all that is in a folder for backups, hidden folders too, without the log of erasures."""
    return sorted(path for path in folder.iterdir() if path.name != ERASURES)
