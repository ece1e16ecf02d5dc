"""The manifest of a backup: what it holds, as of which moment, and the size and SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.backups.contents import Contents
from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import MANIFEST
from waybill.settings import relative_name

FORMAT = 1
DIGEST = "manifest_sha256"


@dataclass(frozen=True)
class FileSum:
    """The size in bytes and the SHA-256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Database:
    """The database that was dumped. `logins` is role → the login on its server that plays it."""

    name: str
    encoding: str
    layout: int
    server_version: str
    pg_dump: str
    schemas: list[str]
    logins: dict[str, str]


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    `made_at` is the moment of the snapshot, in ISO form. `warehouse_id` is the first run in the ledger: a restored
    warehouse has the same one, another warehouse a different one. `commit` is Waybill's, empty if git does not know it.
    `models` is task → model → what is wrong with its files, empty if nothing. `files` is the path in the backup's
    folder → size and checksum, of every file but the manifest.
    """

    backup_id: str
    warehouse_id: str
    made_at: str
    commit: str
    versions: dict[str, str]
    database: Database
    contents: Contents
    models: dict[str, dict[str, str]]
    files: dict[str, FileSum]

    @property
    def size(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(file.size for file in self.files.values())


def as_text(manifest: Manifest) -> str:
    """Return the manifest as JSON, with the SHA-256 of its other members."""
    members = {"format": FORMAT, **asdict(manifest)}
    return json.dumps({**members, DIGEST: _digest(members)}, indent=1, allow_nan=False)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        BackupBroken: it is missing, was changed, or this Waybill does not know its format.
    """
    path = folder / MANIFEST
    name = relative_name(path)
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BackupBroken(
            f"{relative_name(folder)} is not a whole backup, it has no {MANIFEST}: use another"
        ) from None
    except (ValueError, RecursionError):
        raise BackupBroken(f"{name} is not the JSON that was written: use another backup") from None
    if not isinstance(found, dict) or DIGEST not in found or "format" not in found:
        raise BackupBroken(f"{name} is not the manifest of a backup of Waybill: use another folder")
    members = {member: value for member, value in found.items() if member != DIGEST}
    if _digest(members) != found[DIGEST]:
        raise BackupBroken(f"{name} was changed since the backup was made: use another backup")
    if found["format"] != FORMAT:
        raise BackupBroken(
            f"{name} has format {found['format']}, this Waybill reads {FORMAT}: use the version that made it"
        )
    del members["format"]
    return Manifest(
        **{
            **members,
            "database": Database(**members["database"]),
            "contents": Contents(**members["contents"]),
            "files": {path: FileSum(**file) for path, file in members["files"].items()},
        }
    )


def _digest(members: dict[str, Any]) -> str:
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
