"""Reading by key while dbt makes the mart again, and while the server is killed: right, or away, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import cursor as Cursor

from ml.api.data import statements
from ml.api.data.connections import Connections
from ml.api.data.errors import DatabaseAway
from ml.api.data.features import FeatureReader
from ml.api.data.statements import Statement, _make_statement
from ml.predict import Model
from ml.task import Task
from tests.support.small.task import TASK, execute
from warehouse.connection import connect, current_warehouse, cursor_of, forget

MODEL = Model(
    Task.model_validate({**TASK, "table": "typed", "split": {}, "categorical": [], "numeric": ["amount"]}),
    {"model_id": "m"},
)
MAKE = """
create table marts.typed_new as
    select 'r' || n as row_id, true as is_late, n::{kind} as amount from generate_series(1, 500) as n;
alter table marts.typed_new add primary key (row_id);
grant select on marts.typed_new to waybill_api;
drop table if exists marts.typed;
alter table marts.typed_new rename to typed
"""
KEYS = [{"row_id": f"r{number}"} for number in (1, 77, 500, 501)]
FOUND = [{"amount": 1.0}, {"amount": 77.0}, {"amount": 500.0}, None]


@contextmanager
def reading(threads: int) -> Iterator[Counter[str]]:
    """Read in several threads while the block runs; give the counts of what came out."""
    seen, reader, has_ended = Counter[str](), FeatureReader(), threading.Event()

    def read() -> None:
        while not has_ended.is_set():
            try:
                seen["right" if reader.read_features(MODEL, KEYS) == FOUND else "wrong"] += 1
            except DatabaseAway:
                seen["away"] += 1
                time.sleep(0.01)
            except Exception as error:
                seen[f"{type(error).__name__}: {error}"] += 1

    running = [threading.Thread(target=read) for _ in range(threads)]
    for one in running:
        one.start()
    yield seen
    has_ended.set()
    for one in running:
        one.join(20)
    reader.close()


def test_a_mart_that_is_made_again_meanwhile_is_read(database: str) -> None:
    execute(MAKE.format(kind="integer"))
    connection = connect("owner")
    with reading(3) as seen:
        for number in range(40):
            with connection, connection.cursor() as cursor:
                cursor.execute(MAKE.format(kind=("integer", "numeric", "real")[number // 15]))
            time.sleep(0.01)
    connection.close()
    assert seen.keys() == {"right"}
    assert seen["right"] > 40


def test_killed_servers_make_no_wrong_answer(database: str) -> None:
    server = current_warehouse().server
    if server is None:
        pytest.skip("kills the embedded server")
    execute(MAKE.format(kind="integer"))
    with reading(6) as seen:
        for _ in range(3):
            before = seen["right"]
            until = time.monotonic() + 20
            while seen["right"] < before + 20 and time.monotonic() < until:
                time.sleep(0.02)
            os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            time.sleep(0.2)
            forget()
            with cursor_of("owner"):  # starts it
                pass
        after = seen["right"]
        until = time.monotonic() + 20
        while seen["right"] == after and time.monotonic() < until:
            time.sleep(0.02)
        assert seen["right"] > after
    assert seen.keys() <= {"right", "away"}


def test_a_mart_that_is_gone_leaves_a_usable_session(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first statement opens a table that is not there any more; the second attempt has another statement."""
    execute(MAKE.format(kind="integer"))
    made: list[Statement] = []

    def make(cursor: Cursor, model: Model) -> Statement:
        begin = {} if made else {"begin_reading": "begin; select from marts.gone limit 0"}
        made.append(replace(_make_statement(cursor, model), **begin))
        return made[-1]

    monkeypatch.setattr(statements, "_make_statement", make)
    with closing(FeatureReader(Connections(size=1))) as reader:
        for _ in range(2):
            assert reader.read_features(MODEL, KEYS) == FOUND
    assert len(made) == 2


def test_a_connection_in_a_transaction_is_not_used_again(database: str) -> None:
    with closing(Connections(size=1)) as connections:
        for statement in ("begin", "begin; select 1 / 0"):
            with suppress(psycopg2.Error):
                connections.run(lambda cursor, statement=statement: cursor.execute(statement))  # type: ignore[misc]
            status = connections.run(lambda cursor: cursor.connection.info.transaction_status)
            assert status == TRANSACTION_STATUS_IDLE
