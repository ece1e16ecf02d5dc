"""Remembers for which rows and expectations a checkpoint succeeded, so that it is not repeated for the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection

from expectations import assets
from expectations.assets import Asset
from expectations.project import data_docs_folder, validations_folder
from expectations.row_versions import fingerprint_rows
from waybill.atomic_files import write_atomic
from waybill.settings import Settings


@dataclass(frozen=True)
class CheckpointResult:
    """The result of a checkpoint; `rows` counts the rows of the tables that it validated."""

    name: str
    success: bool
    rows: int
    expectations: int
    summary: str
    is_unchanged: bool = False


def digest_state(connection: Connection, validated: Sequence[Asset]) -> str:
    """Return a digest of everything that determines the outcome: the rows, the assets and the suites."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(assets.CONTEXT.rglob("*.*")):
        digest.update(path.read_bytes())
    digest.update(repr([asset.name for asset in validated]).encode())
    tables = {table for asset in validated for table in asset.tables}
    digest.update(fingerprint_rows(connection, tables).encode())
    return digest.hexdigest()


def record_success(settings: Settings, outcome: CheckpointResult, state: str) -> None:
    """Remember that the checkpoint succeeded for this state."""
    file = _successes_file(settings)
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    write_atomic(file, json.dumps({**known, outcome.name: {"state": state, "outcome": asdict(outcome)}}, indent=2))


def last_success(settings: Settings, name: str, state: str) -> CheckpointResult | None:
    """Return the remembered result if it was for this state and the Data Docs exist."""
    file = _successes_file(settings)
    if not file.exists() or not (data_docs_folder(settings) / "index.html").exists():
        return None
    last = json.loads(file.read_text(encoding="utf-8")).get(name)
    return CheckpointResult(**last["outcome"]) if last and last["state"] == state else None


def _successes_file(settings: Settings) -> Path:
    return validations_folder(settings) / "succeeded.json"
