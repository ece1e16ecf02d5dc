"""What was deleted is in no page of a table, in no statistics, and in no file of the server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from psycopg2 import InternalError
from psycopg2.extensions import connection as Connection

from tests.support.databases import own_server
from tests.warehouse.conftest import CONNECTION
from warehouse import embedded
from warehouse.connection import connect, forget
from warehouse.errors import RewriteBlocked
from warehouse.rewriting import snapshots, tables, wal
from warehouse.rewriting.server_files import empty_server_log, remove_lost_files
from warehouse.rewriting.tables import rewrite_tables
from warehouse.rewriting.wal import remove_old_wal
from warehouse.server_paths import ServerPaths

SECRET = b"zebra-crossing-77"
pytestmark = pytest.mark.server

NAMES = ["marts.animals", "marts.empty_animals", "marts.animals_view", "marts.missing"]
MAKE = """
create table marts.animals (id int primary key, name text, more jsonb);
insert into marts.animals select number, 'animal ' || number, jsonb_build_object('name', repeat('n', 3000))
from generate_series(1, 500) as number;
insert into marts.animals select number, 'zebra-crossing-77', jsonb_build_object('a', 'zebra-crossing-77')
from generate_series(1000, 1100) as number;
create table marts.empty_animals as select id, name from marts.animals where id >= 1000;
create index empty_animals_name on marts.empty_animals (lower(name));
create view marts.animals_view as select * from marts.animals;
analyze marts.animals, marts.empty_animals;
checkpoint;
"""
DELETE = "delete from marts.animals where id >= 1000; delete from marts.empty_animals"


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerPaths]:
    for name in CONNECTION:
        monkeypatch.delenv(name, raising=False)
    with own_server() as paths:
        run("owner", *MAKE.split(";\n"))
        for name in ("animals", "empty_animals"):
            run("owner", f"alter table marts.{name} owner to waybill_transformer")
        yield paths
    forget()


def run(role: str, *statements: str) -> None:
    with closing(connect(role)) as connection:  # type: ignore[arg-type]
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in filter(str.strip, statements):
                cursor.execute(statement)


def held_in(paths: ServerPaths) -> set[str]:
    """Return the folders and files of the server that hold the text."""
    run("owner", "checkpoint")
    found = {path for path in paths.data.parent.rglob("*") if path.is_file() and SECRET in _bytes(path)}
    return {path.relative_to(paths.data.parent).parts[1] if path != paths.log else path.name for path in found}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_no_byte_of_deleted_rows_is_left(paths: ServerPaths) -> None:
    run("owner", *DELETE.split("; "))
    with pytest.raises(Exception, match="invalid input syntax"):
        run("owner", f"select '{SECRET.decode()}'::int")
    assert held_in(paths) == {"base", "pg_wal", "server.log"}
    done = rewrite_tables(NAMES)
    assert done.tables == [
        "marts.animals", "marts.empty_animals", "pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data"
    ]  # fmt: skip
    assert (done.skipped, done.saw_all) == ([], True)
    assert held_in(paths) == {"pg_wal", "server.log"}
    assert remove_old_wal() > 0
    assert held_in(paths) == {"server.log"}
    assert empty_server_log(paths) > 0
    assert held_in(paths) == set()


def test_segments_that_were_kept_for_later_use_are_removed(paths: ServerPaths) -> None:
    run("owner", "create table marts.t as select repeat('zebra-crossing-77', 400000)", "select pg_switch_wal()")
    for _ in range(4):
        run("owner", "insert into marts.t select * from marts.t", "select pg_switch_wal()")
    run("owner", "checkpoint", "drop table marts.t", *DELETE.split("; "))
    assert remove_old_wal() > 4
    assert "pg_wal" not in held_in(paths)


def test_an_old_snapshot_is_waited_for(paths: ServerPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "WAIT_SECONDS", 1.0)
    with closing(reading()) as reader:
        run("owner", *DELETE.split("; "))
        with closing(connect("owner")) as owner, pytest.raises(RewriteBlocked, match="waybill reader has not ended"):
            snapshots.wait_for_older_snapshots(owner, 1.0)
        reader.rollback()
        with closing(connect("owner")) as owner:
            assert snapshots.wait_for_older_snapshots(owner, 1.0).saw_all


def test_a_locked_table_is_waited_for(paths: ServerPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WAIT_SECONDS", 1.0)
    with closing(connect("transformer")) as other, other.cursor() as cursor:
        cursor.execute("lock table marts.animals in access share mode")
        with pytest.raises(
            RewriteBlocked, match=r"waybill transformer, server process \d+. keeps marts.animals locked"
        ):
            tables._rewrite([("marts.animals", "waybill_transformer")], tables.Rewritten(), print)


def test_files_that_a_crash_has_left_are_removed(paths: ServerPaths) -> None:
    with closing(connect("owner")) as owner, owner.cursor() as cursor:
        cursor.execute("create table marts.lost as select name from marts.animals where id >= 1000")
        cursor.execute("select pg_relation_filepath('marts.lost')")
        (name,) = cursor.fetchone()  # type: ignore[misc]
        with closing(connect("owner")) as another, another.cursor() as other:
            another.autocommit = True
            other.execute("checkpoint")
        process = embedded.find_process(paths)
        assert process is not None
        os.kill(owner.info.backend_pid, signal.SIGSTOP)  # it must not log that its transaction has ended
        os.kill(process.pid, signal.SIGKILL)
        os.kill(owner.info.backend_pid, signal.SIGKILL)
    time.sleep(1)
    forget()
    embedded.start(paths)
    assert (paths.data / name).exists()
    assert remove_lost_files(paths) == 3  # of the table, its TOAST table and that one's index
    assert not (paths.data / name).exists()
    run("owner", "select * from marts.animals_view limit 1")


def reading() -> Connection:
    """Return a connection with a transaction that sees the rows as they are now."""
    connection = connect("reader")
    connection.set_session(isolation_level="REPEATABLE READ")
    with connection.cursor() as cursor:
        cursor.execute("select 1 from ledger.layout")
    return connection


def test_a_checkpoint_on_a_full_disk_says_so(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused:
        def execute(self, statement: str) -> None:
            raise InternalError("checkpoint request failed")

    connect("owner").close()
    with pytest.raises(InternalError):
        wal._checkpoint(Refused())  # type: ignore[arg-type]
    monkeypatch.setattr(embedded, "MIN_FREE_TO_START", 1 << 60)
    with pytest.raises(OSError, match="No space left on device"):
        wal._checkpoint(Refused())  # type: ignore[arg-type]
