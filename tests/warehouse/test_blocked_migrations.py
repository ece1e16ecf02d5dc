"""A migration that waits for a locked table says for whom, and gives up after a while."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest

from tests.support.databases import rows
from warehouse.connection import connect, connection_parameters, forget
from warehouse.errors import MigrationBlocked
from warehouse.migrations import upgrade
from warehouse.migrations.layouts import latest_layout


@pytest.fixture
def locker(database: str) -> Iterator[psycopg2.extensions.connection]:
    """Return a session that locks what the step to layout 12 changes."""
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute("create table raw.x (_batch_id uuid)")
        cursor.execute("create index x_batches on raw.x using brin (_batch_id)")
        cursor.execute("delete from ledger.layout where version >= 12")
        cursor.execute("update ledger.alembic_version set version_num = '11'")
    owner.cursor().execute("alter index raw.x_batches set (autosummarize = on)")
    forget()
    yield owner
    owner.close()


def test_it_names_the_session_and_gives_up(
    locker: psycopg2.extensions.connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upgrade, "ATTEMPT_SECONDS", 1)
    monkeypatch.setattr(upgrade, "TABLE_LOCK_SECONDS", 2)
    with pytest.raises(MigrationBlocked, match="another session has kept one of them locked for 2 seconds"):
        connection_parameters("owner")
    name = f"waybill owner (server process {locker.info.backend_pid}, since "
    assert f"the migration waits for sessions that lock a table holders={name}" in caplog.text
    locker.rollback()
    connection_parameters("owner")
    assert rows("select max(version) from ledger.layout") == [(latest_layout(),)]
    assert rows("select indexname from pg_indexes where schemaname = 'raw'") == [("x-ix",)]
