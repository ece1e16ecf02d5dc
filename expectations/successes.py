"""Remembers for which rows and expectations a checkpoint succeeded, so that it is not repeated for the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from expectations import assets
from expectations.assets import Asset
from expectations.project import data_docs_folder, validations_folder
from warehouse.unchanged.digest import digest_state
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


def describe_state(connection: Connection, validated: Sequence[Asset]) -> str:
    """Return a digest of everything that determines the outcome: the rows, the assets and the suites."""
    files = [*assets.CONTEXT.rglob("*.*"), *Path(__file__).parent.glob("*.py")]
    tables = {table for asset in validated for table in asset.tables}
    names = [asset.name for asset in validated]
    return digest_state(connection, tables, files, packages=["great-expectations"], also=names)


def forget_success(settings: Settings, name: str) -> None:
    """Forget the success of a checkpoint, before it is run: if it then fails or is killed, it will be run again."""
    file = _successes_file(settings)
    known = _read(file)
    if known.pop(name, None) is not None:
        write_atomic(file, json.dumps(known, indent=2))


def record_success(settings: Settings, outcome: CheckpointResult, state: str) -> None:
    """Remember that the checkpoint succeeded for this state."""
    file = _successes_file(settings)
    known = {**_read(file), outcome.name: {"state": state, "outcome": asdict(outcome)}}
    write_atomic(file, json.dumps(known, indent=2))


def last_success(settings: Settings, name: str, state: str) -> CheckpointResult | None:
    """Return the remembered result if it was for this state and the Data Docs exist."""
    if not (data_docs_folder(settings) / "index.html").exists():
        return None
    last = _read(_successes_file(settings)).get(name)
    return CheckpointResult(**last["outcome"]) if last and last["state"] == state else None


def _read(file: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return known


def _successes_file(settings: Settings) -> Path:
    return validations_folder(settings) / "succeeded.json"
