"""Compares a restored warehouse with the manifest of its backup: rows of all tables, books, marts, topics, keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.accounting import accounting
from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.errors import BackupRefused, RestoreDiffers
from pipeline.backups.manifest import Manifest
from warehouse.connection import engine
from warehouse.migrations.layouts import OLDEST_LAYOUT, latest_layout
from waybill.cli import shown_command
from waybill.settings import relative_name
from waybill.text import counted

OF_LEDGER = ("read", "landed", "rejected", "skipped", "batches", "last_landed_at", "undone", "erased")  # of an account
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


def check_contents(manifest: Manifest, *, has_its_files: bool) -> Iterator[str]:
    """Compare the restored warehouse with the manifest; yield what is equal.

    Unless the project has the declarations of the backup, only what the ledger says of the books is compared: which
    outcomes count depends on the sources that have models.

    Raises:
        RestoreDiffers: something differs; the message names the first difference.
    """
    with engine("owner").connect() as connection:
        now = read_contents(connection)
    then, is_migrated = manifest.contents, manifest.database.layout != latest_layout()
    rows = {name: number for name, number in then.rows.items() if not is_migrated or name in _kept(now)}
    _require_same("rows of", rows, now.rows)
    yield f"{counted(sum(rows.values()), 'row')} of {counted(len(rows), 'table')}"
    _require_same("rows and hash of the mart", then.mart_hashes, now.mart_hashes)
    yield f"{counted(len(then.mart_hashes), 'hash of a mart', 'hashes of marts')}"
    _require_same("the books of", _books(then, has_its_files), _books(now, has_its_files))
    _require_same("the position of", _positions(then), _positions(now))
    yield f"the books of {counted(len(then.books), 'source')}, {counted(len(then.positions), 'position')} of topics"


def require_balance() -> None:
    """Raise RestoreDiffers if the books of a source do not balance after erasures were done again."""
    with engine("reader").connect() as connection:
        for account in accounting(connection):
            if not account.is_balanced:
                raise RestoreDiffers(f"the books of {account.source} after erasing again: {account.verdict}")


def _kept(now: Contents) -> set[str]:
    """Return the tables that a migration keeps, without those that it adds rows to; it may rename others."""
    return set(now.rows).difference(OF_MIGRATIONS)


def _require_same(what: str, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare by name; of accounts, only the members that the backup has: a later Waybill may add others."""
    for name, value in then.items():
        found = now.get(name)
        if isinstance(value, dict) and isinstance(found, dict):
            changed = [member for member in value if found.get(member) != value[member]]
            value, found = ({member: one.get(member) for member in changed} for one in (value, found))
        if found != value:
            raise RestoreDiffers(
                f"{what} {name} differ: {value} in the backup, {found} when it was restored; nothing works on the "
                f"database until another backup is restored, or `{shown_command('reset')}` empties it"
            )


def _books(contents: Contents, has_outcomes: bool) -> dict[str, Any]:
    return {
        account["source"]: {name: value for name, value in account.items() if has_outcomes or name in OF_LEDGER}
        for account in contents.books
    }


def _positions(contents: Contents) -> dict[str, Any]:
    return {f"{one['source']} {one['topic_id']}:{one['partition']}": one["next_position"] for one in contents.positions}
