"""A backup of an older layout is restored and migrated: no row and no mart changes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, text

from pipeline.backups.contents import TABLES, Contents
from pipeline.backups.folders import MANIFEST
from pipeline.backups.manifest import Database, Manifest, as_text
from pipeline.backups.programs import started
from pipeline.backups.restoring.restore import Request, restore_backup
from pipeline.backups.verifying import file_names, sum_up
from pipeline.mart_hashes import mart_hashes
from tests.support.catalog import catalog
from tests.support.databases import fresh_database, rows
from tests.support.old_layouts import restored_layout
from warehouse.connection import current_warehouse, login_parameters
from warehouse.migrations.layouts import SCHEMAS, latest_layout
from waybill.settings import get_settings

pytestmark = pytest.mark.skipif(not get_settings().is_embedded, reason="dumps name the embedded server's logins")


def contents() -> Contents:
    """Read tables and marts of the database, which is not migrated."""
    login: Any = login_parameters(current_warehouse(), "owner")
    unprepared = create_engine("postgresql+psycopg2://", connect_args=login, poolclass=NullPool)
    with unprepared.connect() as connection:
        tables = connection.execute(text(TABLES), {"schemas": list(SCHEMAS)}).all()
        counts = {f"{schema}.{table}": f"select count(*) from {schema}.{table}" for schema, table in tables}
        return Contents(
            rows={name: connection.scalar(text(query)) or 0 for name, query in counts.items()},
            mart_hashes={mart: asdict(found) for mart, found in mart_hashes(connection).items()},
            books=[],
            positions=[],
            files=0,
            last_committed_at=None,
        )


def back_up_layout(layout: int, backup: Path) -> Manifest:
    """Make a backup of the database, as the version with this layout would have made it."""
    backup.mkdir()
    arguments = ["--format=directory", f"--file={backup / 'database'}", *(f"--schema={name}" for name in SCHEMAS)]
    with started(current_warehouse(), "test", "pg_dump", arguments) as program:
        assert program.wait() == 0, program.errors()
    database = Database(get_settings().pgdatabase, "UTF8", layout, "18", "18", list(SCHEMAS), {})
    files = {name: sum_up(backup / name) for name in file_names(backup)}
    manifest = Manifest(
        str(uuid4()), str(uuid4()), "2026-01-01T00:00:00+00:00", "", {}, database, contents(), {}, files
    )
    (backup / MANIFEST).write_text(as_text(manifest))
    return manifest


@pytest.mark.parametrize("layout", [5, 13, 17])
def test_an_older_layout_is_migrated(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: int
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    with restored_layout(layout, f"old_{uuid4().hex[:12]}"):
        manifest = back_up_layout(layout, tmp_path / "backup")
    with fresh_database():
        new = catalog("ledger")
    with fresh_database():
        restore_backup(Request(tmp_path / "backup", None, "leave"))
        assert rows("select max(version) from ledger.layout") == [(latest_layout(),)]
        assert catalog("ledger") == new
        now = contents()
    kept = {name: number for name, number in manifest.contents.rows.items() if name.startswith(("raw.", "marts."))}
    assert len(kept) > 5
    assert {name: now.rows[name] for name in kept} == kept
    assert now.mart_hashes == manifest.contents.mart_hashes
