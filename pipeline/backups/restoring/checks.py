"""Compares a restored warehouse with the manifest of its backup: rows of all tables, books, marts, topics, keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.errors import BackupRefused, RestoreDiffers
from pipeline.backups.manifest import Manifest
from warehouse.connection import engine
from warehouse.migrations.layouts import OLDEST_LAYOUT, latest_layout
from waybill.settings import relative_name
from waybill.text import counted

OF_MIGRATIONS = ("ledger.layout", "ledger.alembic_version")  # tables that a migration of an older layout adds rows to


def require_known_layout(backup: Path, manifest: Manifest) -> None:
    """Raise BackupRefused if the tables of a backup have a layout that this Waybill cannot migrate."""
    layout, known = manifest.database.layout, latest_layout()
    if layout > known:
        raise BackupRefused(
            f"{relative_name(backup)} was made by a newer Waybill (its layout is {layout}, this one knows {known}): "
            "update this clone; nothing was changed"
        )
    if layout < OLDEST_LAYOUT:
        raise BackupRefused(
            f"{relative_name(backup)} has layout {layout}, from before Waybill could migrate its tables: use the "
            "version that made it; nothing was changed"
        )


def check_contents(manifest: Manifest) -> Iterator[str]:
    """Compare the restored warehouse with the manifest; yield a line for each kind of thing that is equal.

    Raises:
        RestoreDiffers: something is not as it was; the message names the first difference.
    """
    with engine("owner").connect() as connection:
        now = read_contents(connection)
    then = manifest.contents
    is_migrated = manifest.database.layout != latest_layout()
    rows = {name: number for name, number in then.rows.items() if not is_migrated or name not in OF_MIGRATIONS}
    _require_same("rows of", rows, now.rows, may_be_missing=is_migrated)
    yield f"rows: {counted(sum(rows.values()), 'row')} of {counted(len(rows), 'table')}, equal"
    _require_same("rows and hash of the mart", then.mart_hashes, now.mart_hashes)
    yield f"marts: {counted(len(then.mart_hashes), 'hash', 'hashes')}, equal"
    _require_same("the books of", _books(then), _books(now), members_of=is_migrated)
    yield f"books: {counted(len(then.books), 'source')}, equal"
    _require_same("the position of", _positions(then), _positions(now))


def _require_same(
    what: str, then: dict[str, Any], now: dict[str, Any], *, may_be_missing: bool = False, members_of: bool = False
) -> None:
    for name, value in then.items():
        found = now.get(name)
        if members_of and isinstance(found, dict):
            found = {member: found.get(member) for member in value}
        if found != value and not (may_be_missing and name not in now):
            raise RestoreDiffers(
                f"{what} {name} differ: {value} in the backup, {found} when it was restored; use another backup"
            )


def _books(contents: Contents) -> dict[str, Any]:
    return {account["source"]: account for account in contents.books}


def _positions(contents: Contents) -> dict[str, Any]:
    return {f"{one['source']} {one['topic_id']}:{one['partition']}": one["next_position"] for one in contents.positions}
