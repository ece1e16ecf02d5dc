"""A migration that waits for a locked table says for whom, and gives up after a while."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg2
import pytest

from tests.support.databases import rows
from tests.support.old_layouts import restored_layout
from warehouse.connection import connection_parameters, current_warehouse, login_parameters, open_connection
from warehouse.errors import MigrationBlocked
from warehouse.migrations import upgrade
from warehouse.migrations.layouts import latest_layout


@pytest.fixture
def locker(server: None) -> Iterator[psycopg2.extensions.connection]:
    """Return a session that locks what the step to layout 12 changes, in a database of layout 9."""
    with restored_layout(9, f"old_{uuid4().hex[:12]}"):
        owner = open_connection(login_parameters(current_warehouse(), "owner"))
        with owner, owner.cursor() as cursor:
            cursor.execute("create table raw.x (_batch_id uuid)")
            cursor.execute("create index x_batches on raw.x using brin (_batch_id)")
        owner.cursor().execute("alter index raw.x_batches set (autosummarize = on)")
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
    assert rows("select indexname from pg_indexes where tablename = 'x'") == [("x-ix",)]
