"""A limit on connections that is reached when a command starts is waited for, with a line for each wait, or named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

import waybill.backoff
from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from tests.support.databases import rows
from tests.support.documents import document
from warehouse.connection import connect, engine
from warehouse.dbt_login import dbt_variables
from warehouse.errors import ServerBusy


def ask_by_engine() -> int:
    with engine("trainer").connect() as connection:
        return connection.scalar(text("select 0")) or 0


COMMANDS: dict[str, Callable[[], object]] = {
    "load": lambda: load(Request(("things",))),
    "replay": lambda: replay("things", None, lambda reject, reason: None),
    "train, export, report": ask_by_engine,
    "dbt": dbt_variables,
}


@pytest.fixture
def free_again(database: str, source: Path) -> Iterator[Callable[[], None]]:
    """Allow no further connection of an ordinary login to the database; yield what lifts the limit."""
    (source / "a.ndjson").write_bytes(document(1))
    owner = connect("owner")
    owner.autocommit = True

    def limit(connections: int) -> None:
        owner.cursor().execute(f"alter database {database} connection limit {connections}")

    limit(0)
    yield lambda: limit(-1)
    owner.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_connection_limit_at_the_start_is_waited_for(
    command: str,
    free_again: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(waybill.backoff, "time", SimpleNamespace(sleep=lambda _: free_again()))
    with caplog.at_level(logging.WARNING):
        COMMANDS[command]()
    (line,) = [line for line in caplog.messages if "trying again" in line]
    assert "too many connections for database" in line
    if command == "load":
        assert rows("select count(*) from raw.things") == [(1,)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_connection_limit_that_stays_is_named(
    command: str, free_again: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    with pytest.raises(ServerBusy, match=r"too many connections for database .*; end other connections, raise the lim"):
        COMMANDS[command]()
    free_again()
    assert rows("select count(*) from ledger.runs") == [(0,)]
