"""Remembers what each stage of the last run did and how long it took, for the report page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from waybill.atomic_files import write_atomic
from waybill.file_lock import file_lock
from waybill.settings import Settings, get_settings


def record_path(settings: Settings) -> Path:
    """Return the file of what the last run on this database did."""
    return settings.state_folder / f"last_run-{settings.pgdatabase}.json"


def read_record(settings: Settings) -> list[dict[str, Any]]:
    """Return one record per stage; none before the first run, or if the file cannot be read."""
    try:
        found: list[dict[str, Any]] = json.loads(record_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found


def remember(record: dict[str, Any], order: list[str]) -> None:
    """Replace a stage's record by this one, atomically, while other stages may do the same."""
    settings = get_settings()
    with file_lock(settings.state_folder / "last_run.lock"):
        records = {entry["name"]: entry for entry in read_record(settings)}
        records[record["name"]] = record
        kept = [records[name] for name in order if name in records]
        write_atomic(record_path(settings), json.dumps(kept, indent=1))
