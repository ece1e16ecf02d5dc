"""The file `erasures.jsonl` beside backups: which keys, as keyed hashes, a restore erases again, and which it lifts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import ERASURES, PARTIAL, find_backups
from waybill.atomic_files import atomic_file
from waybill.file_lock import file_lock
from waybill.settings import relative_name


@dataclass(frozen=True)
class LoggedErasure:
    """An erasure: the hashes of its keys, and how they were computed. Hashes are in hexadecimal.

    `positions` are batch and position of what was erased: documents without a key, and broken lines, have no hash.
    """

    erasure_id: str
    source: str
    key_hashes: Sequence[str]
    key_types: Sequence[Sequence[str]] | None
    secret_check: str
    models: str
    erased_at: str
    positions: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class LoggedLift:
    """Keys of a source that may land again, as hashes in hexadecimal."""

    lifts: Sequence[str]
    source: str
    lifted_at: str


Entry = LoggedErasure | LoggedLift


def read_log(path: Path) -> list[Entry]:
    """Return the entries of a file in the order in which they happened; none if there is no file.

    Raises:
        BackupBroken: the file is not one that Waybill has written whole.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_entry(json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError):
        raise BackupBroken(f"{relative_name(path)} is damaged: restore it from a copy") from None


def begin_log(folder: Path) -> None:
    """Make the empty log of a folder that has no backup yet; beside older backups, a log that is missing was lost."""
    if not find_backups(folder) and not (folder / ERASURES).exists():
        _write(folder / ERASURES, [])


def is_there(folder: Path) -> bool:
    """Return whether a folder in which backups were made has one, or their log: else it may be an empty mount point."""
    return (folder / ERASURES).exists() or bool(find_backups(folder)) or any(folder.glob(f".*{PARTIAL}"))


def append(folder: Path, entries: Iterable[Entry]) -> int:
    """Append the entries that the file in a folder of backups does not have yet, atomically; return their number.

    Of an erasure that it has, only what becomes of models can have changed.

    Raises:
        BackupBroken: the file is damaged, or the folder has neither it nor a backup.
        OSError: the folder is away, or the file cannot be written.
    """
    path = folder / ERASURES
    folder.stat()  # a folder that is away is not made: its backups are elsewhere
    if not is_there(folder):
        raise BackupBroken("the folder has no backup: its disk may not be mounted")
    with file_lock(folder, "waiting for another command that writes to the folder of the backups"):
        found, entries = read_log(path), list(entries)
        models = {entry.erasure_id: entry.models for entry in entries if isinstance(entry, LoggedErasure)}
        kept = [_with_models(entry, models) for entry in found]
        new = [entry for entry in entries if not _has(kept, entry)]
        if new or kept != found:
            _write(path, [*kept, *new])
    return len(new)


def _has(kept: Sequence[Entry], entry: Entry) -> bool:
    if isinstance(entry, LoggedErasure):
        return any(isinstance(one, LoggedErasure) and one.erasure_id == entry.erasure_id for one in kept)
    return entry in kept


def _with_models(entry: Entry, models: Mapping[str, str]) -> Entry:
    if isinstance(entry, LoggedErasure):
        return replace(entry, models=models.get(entry.erasure_id, entry.models))
    return entry


def _write(path: Path, entries: Sequence[Entry]) -> None:
    with atomic_file(path, mode=0o600) as partial:
        partial.write_text("".join(json.dumps(asdict(entry)) + "\n" for entry in entries), encoding="utf-8")


def _entry(content: dict[str, Any]) -> Entry:
    return LoggedLift(**content) if "lifts" in content else LoggedErasure(**content)
