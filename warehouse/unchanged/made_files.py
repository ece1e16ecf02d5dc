"""Remembers, in a hidden file beside it, from which state a file was made: it need not be made again from the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from waybill.atomic_files import write_atomic


def find_made(file: Path, state: str) -> dict[str, Any] | None:
    """Return what was remembered of a file; None if it was made from another state, is gone or has another size."""
    try:
        known: dict[str, Any] = json.loads(record_of(file).read_text(encoding="utf-8"))
        is_same = known["state"] == state and known["bytes"] == file.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if is_same else None


def remember_made(file: Path, state: str, **facts: Any) -> None:
    """Remember a file that is complete: call this last, so that a killed command makes it again."""
    write_atomic(record_of(file), json.dumps({"state": state, "bytes": file.stat().st_size, **facts}, indent=2))


def record_of(file: Path) -> Path:
    """Return the hidden file with what is remembered."""
    return file.with_name(f".{file.stem}.state")
