"""A load survives lost connections, lock timeouts and a server that restarts, and lands each row once."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy import text

import loader.landing.source_load
import warehouse.connection
import warehouse.reconnecting
import waybill.backoff
from loader.landing.file_positions import LOCK
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after
from warehouse.connection import (
    LOADER_TIMEOUTS,
    TRANSACTION_TIMEOUT_VERSION,
    connect,
    current_warehouse,
    engine,
    login_parameters,
)
from warehouse.dbt_login import dbt_variables
from warehouse.logins import Role
from warehouse.runs import recorded_run
from waybill.cli import _database_message


def test_a_lost_connection_is_reopened_and_costs_no_row(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    land, losses = loader.landing.source_load.land, [1, 3, 4, 8]

    def and_lose(connection: Any, chunk: Any, positions: Any) -> Any:
        losses[:] = [left - 1 for left in losses]
        if 0 in losses:
            owner = psycopg2.connect(**{**connection.get_dsn_parameters(), "user": "waybill"})
            owner.autocommit = True
            owner.cursor().execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
            owner.close()
        return land(connection, chunk, positions)

    monkeypatch.setattr(loader.landing.source_load, "land", and_lose)
    with caplog.at_level(logging.WARNING):
        assert load(Request(("things",))).rows == 500
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    assert len([line for line in caplog.messages if "trying again" in line]) == 4


def test_a_server_that_stays_away_leaves_nothing_half_written(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    land, begun = loader.landing.source_load.land, []

    def and_fail(connection: Any, chunk: Any, positions: Any) -> Any:
        begun.append(chunk)
        if len(begun) > 2:
            raise psycopg2.errors.DiskFull("could not extend file: No space left on device")
        return land(connection, chunk, positions)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_load, "land", and_fail)
        with pytest.raises(psycopg2.errors.DiskFull):
            load(Request(("things",)))
    assert len(begun) == 5
    assert rows("select outcome from ledger.runs") == [("failed",)]
    assert sum(landed_ids().values()) == rows("select sum(landed)::int from ledger.batches")[0][0] > 0

    load(Request(("things",)))
    assert landed_ids() == Counter(f"t{n}" for n in range(500))


def test_a_load_waits_for_a_transaction_that_hangs(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    with monkeypatch.context() as patch:
        kill_load_after(2, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    rival = connect("owner")
    rival.cursor().execute("select from ledger.inputs for update")
    timeouts = {**LOADER_TIMEOUTS, "lock_timeout": "100ms"}
    monkeypatch.setattr(warehouse.connection, "LOADER_TIMEOUTS", timeouts)
    monkeypatch.setattr(waybill.backoff, "time", SimpleNamespace(sleep=lambda _: rival.rollback()))
    with caplog.at_level(logging.WARNING):
        load(Request(("things",)))
    rival.close()
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    (output,) = [line for line in caplog.messages if "trying again" in line]
    assert "lock timeout" in output


def test_a_loader_suspended_in_its_transaction_continues(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    timeouts = {**LOADER_TIMEOUTS, "idle_in_transaction_session_timeout": "1s"}
    monkeypatch.setattr(warehouse.connection, "LOADER_TIMEOUTS", timeouts)
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    land, suspended = loader.landing.source_load.land, []

    def and_hang(connection: Any, chunk: Any, positions: Any) -> Any:
        if not suspended:
            suspended.append(chunk)
            connection.cursor().execute("select from ledger.inputs for update")
            while rows("select from pg_stat_activity where pid = %s", connection.info.backend_pid):
                time.sleep(0.05)
        return land(connection, chunk, positions)

    monkeypatch.setattr(loader.landing.source_load, "land", and_hang)
    with caplog.at_level(logging.WARNING):
        assert load(Request(("things",))).rows == 500
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    assert len([line for line in caplog.messages if "trying again" in line]) == len(suspended) == 1


@pytest.mark.parametrize("is_short_once", [True, False])
def test_a_statement_timeout_is_waited_for_or_named(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_short_once: bool
) -> None:
    (source / "a.ndjson").write_bytes(document(1))
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(warehouse.connection, "LOADER_TIMEOUTS", {"statement_timeout": "500ms"})
    land, slow = loader.landing.source_load.land, []

    def and_take_long(connection: Any, chunk: Any, positions: Any) -> Any:
        if not slow or not is_short_once:
            slow.append(chunk)
            connection.cursor().execute("select pg_sleep(2)")
        return land(connection, chunk, positions)

    monkeypatch.setattr(loader.landing.source_load, "land", and_take_long)
    if is_short_once:
        with caplog.at_level(logging.WARNING):
            assert load(Request(("things",))).rows == 1
        (line,) = [line for line in caplog.messages if "trying again" in line]
        assert "due to statement timeout" in line
    else:
        with pytest.raises(psycopg2.errors.QueryCanceled) as raised:
            load(Request(("things",)))
        message = _database_message(raised.value)
        assert message and "statement timeout; nothing half-written is left; if the server's timeout is too" in message
        assert rows("select count(*) from raw.things") == [(0,)]


def test_no_session_has_a_transaction_timeout(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = connect("owner")
    if owner.server_version < TRANSACTION_TIMEOUT_VERSION:
        pytest.skip("PostgreSQL 16 has no transaction_timeout")
    with owner, owner.cursor() as cursor:
        cursor.execute(f"alter database {database} set transaction_timeout = '300ms'")
    owner.close()
    show = "select current_setting('transaction_timeout')"
    assert rows(show) == [("0",)]
    with engine("trainer").connect() as connection:
        assert connection.scalar(text(show)) == "0"
    login = login_parameters(current_warehouse(), "transformer")
    monkeypatch.setenv("PGOPTIONS", dbt_variables()["PGOPTIONS"])
    session = psycopg2.connect(**{name: login[name] for name in ("host", "port", "user", "dbname")})
    with session, session.cursor() as cursor:
        cursor.execute(show)
        assert cursor.fetchone() == ("0",)
    session.close()


def test_all_loaders_lock_inputs_in_the_same_order(database: str) -> None:
    ids = [str(UUID(int=number)) for number in (1, 2)]
    rival = connect("owner")
    with rival, rival.cursor() as cursor:
        for input_id, digest in zip(ids, ["b", "a"], strict=True):
            cursor.execute(
                "insert into ledger.inputs values (%s, 's', 'file', %s, null, null, 'n')", [input_id, digest]
            )
    held = "select from ledger.inputs where input_id = %s for update"
    rival.cursor().execute(held, [ids[0]])
    loading = connect("loader")
    waiting = threading.Thread(target=lambda: loading.cursor().execute(LOCK, ["s", ["a", "b"]]))
    waiting.start()
    while not rows("select from pg_locks where pid = %s and not granted", loading.info.backend_pid):
        time.sleep(0.05)
    rival.cursor().execute(f"{held} nowait", [ids[1]])  # in another order, the waiting loader would hold this one
    rival.rollback()
    waiting.join()
    loading.close()
    rival.close()


def test_a_succeeded_run_is_recorded_after_a_lost_connection(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    losses = [2, 3]

    def and_lose(role: Role) -> Any:
        losses[:] = [left - 1 for left in losses]
        connection = connect(role)
        if 0 in losses:
            owner = connect("owner")
            owner.cursor().execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            owner.close()
        return connection

    monkeypatch.setattr(warehouse.connection, "connect", and_lose)
    monkeypatch.setattr(warehouse.reconnecting, "connect", and_lose)
    with recorded_run("anything"):
        pass
    assert losses == [-2, -1]
    assert rows("select command, outcome from ledger.runs") == [("anything", "succeeded")]
