"""A load that died goes on where it stopped, and two loaders land each row once (P2), in chunks of any size."""

from __future__ import annotations

import gzip
import logging
import os
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg2
import pytest

import loader.landing.source_work
import loader.retrying
import warehouse.connection
import warehouse.runs
from loader.errors import FileChanged, LayoutChanged
from loader.landing.claims import LOCK
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from warehouse.connection import LOADER_TIMEOUTS, connect
from warehouse.logins import Role
from warehouse.runs import recorded_run

LAYOUTS = {
    "a.ndjson": lambda documents: b"\n".join(documents) + b"\n",
    "crlf.ndjson": lambda documents: b"\xef\xbb\xbf" + b"\r\n\r\n".join(documents),
    "cr.ndjson": lambda documents: b"\r".join(documents),
    "a.ndjson.gz": lambda documents: gzip.compress(b"\n \n".join(documents)),
    "a.json": lambda documents: b" [" + b" ,\n".join(documents) + b" ]\n",
    "a.rec": lambda documents: b'{"data": {"things": [' + b",".join(documents) + b"]}}",
}


class Killed(BaseException):
    """Stands for a process that dies: nothing in the loader catches it."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "4000")


def die_after(chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die before a chunk is landed, when some have been."""
    landed = 0
    land = loader.landing.source_work.land

    def and_die(*arguments: Any) -> Any:
        nonlocal landed
        landed += 1
        if landed > chunks:
            raise Killed
        return land(*arguments)

    monkeypatch.setattr(loader.landing.source_work, "land", and_die)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_load_that_died_goes_on_behind_the_last_chunk(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    documents = [document(n) if n % 7 else b'{"id": %d}' % n for n in range(200)]
    (source / name).write_bytes(LAYOUTS[name](documents))
    with monkeypatch.context() as patch:
        die_after(3, patch)
        with pytest.raises(Killed):
            load(Request(("things",), (str(source / name),)))
    assert 0 < sum(landed_ids().values()) < 171
    before = landed_ids()

    result = load(Request(("things",), (str(source / name),)))

    assert landed_ids() == Counter(f"t{n}" for n in range(200) if n % 7)
    assert rows("select sum(read)::int, sum(landed)::int, sum(rejected)::int from ledger.batches") == [(200, 171, 29)]
    assert result.rows == 171 - sum(before.values())
    assert rows(
        "select bool_and(first_position = coalesce(before, 1)) from (select first_position, lag(next_position)"
        " over (order by first_position) as before from ledger.batches) as ranges"
    ) == [(True,)]


def test_positions_are_lines_however_the_file_is_cut(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "1")
    (source / "a.ndjson").write_bytes(b"\n".join([b"", document(1), b"  ", b"\t", b"broken", document(2), b"", b""]))
    load(Request(("things",)))
    assert rows("select _position, document ->> 'id' from raw.things order by 1") == [(2, "t1"), (6, "t2")]
    assert rows("select position from ledger.rejects") == [(5,)]
    assert rows("select count(*), sum(read)::int from ledger.batches") == [(3, 3)]


def test_two_loaders_share_one_large_file(database: str, source: Path, small_chunks: None) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(3000)))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            load(Request(("things",), (str(path),)))
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert landed_ids() == Counter(f"t{n}" for n in range(3000))
    assert rows("select sum(read)::int, sum(landed)::int from ledger.batches") == [(3000, 3000)]
    assert rows("select is_complete from ledger.inputs") == [(True,)]


def test_a_file_that_shrinks_while_it_is_read_is_told_and_loses_nothing(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(2000)) + b"\n")
    land = loader.landing.source_work.land

    def and_shrink(*arguments: Any) -> Any:
        if path.stat().st_size > 20_000:
            os.truncate(path, 20_000)
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_work, "land", and_shrink)
        with pytest.raises(FileChanged, match=r"changed while it was read.*run again"):
            load(Request(("things",)))
    kept = path.read_bytes().split(b"\n")

    load(Request(("things",)))

    assert {f"t{n}" for n in range(len(kept) - 1)} <= landed_ids().keys() <= {f"t{n}" for n in range(2000)}
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]


def test_a_file_that_changes_between_chunks_is_told_and_loses_nothing(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(2000)) + b"\n")
    (source / "b.ndjson").write_bytes(document(7000))
    land, size = loader.landing.source_work.land, path.stat().st_size

    def and_grow(*arguments: Any) -> Any:
        if path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(document(5000) + b"\n")
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_work, "land", and_grow)
        with pytest.raises(FileChanged, match=r"changed while it was read.*run again"):
            load(Request(("things",)))
    part = landed_ids()
    assert part["t7000"] == 1
    assert part - Counter(["t7000"]) == Counter(f"t{n}" for n in range(sum(part.values()) - 1))

    load(Request(("things",)))

    assert set(landed_ids()) == {f"t{n}" for n in range(2000)} | {"t5000", "t7000"}
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]


def test_a_file_that_changed_after_a_load_of_it_died_is_told_once_and_read_as_a_new_one(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"".join(document(n) + b"\n" for n in range(200)))
    with monkeypatch.context() as patch:
        die_after(2, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    landed = sum(landed_ids().values())
    assert 0 < landed < 200
    for number in (200, 201):
        with path.open("ab") as file:
            file.write(document(number) + b"\n")
        with caplog.at_level(logging.WARNING):
            assert (load(Request(("things",))).new_files, load(Request(("things",))).new_files) == (1, 0)
    assert caplog.messages == [
        f"{path} was landed up to position {landed} by an earlier run and has changed since; it is read as a new file"
    ]
    assert landed_ids().keys() == {f"t{n}" for n in range(202)}


def test_a_file_that_is_only_touched_is_landed(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(500)))
    land = loader.landing.source_work.land

    def and_touch(*arguments: Any) -> Any:
        path.touch()
        return land(*arguments)

    monkeypatch.setattr(loader.landing.source_work, "land", and_touch)
    assert load(Request(("things",))).rows == 500


def test_a_file_that_was_landed_in_part_is_read_on_by_the_same_layout(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.json").write_bytes(b"[" + b",\n".join(document(n) for n in range(200)) + b"]")
    with monkeypatch.context() as patch:
        die_after(1, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    with pytest.raises(LayoutChanged, match="finish it with `--layout array`"):
        load(Request(("things",), layout="ndjson"))
    load(Request(("things",)))
    assert landed_ids() == Counter(f"t{n}" for n in range(200))


def test_a_lost_connection_is_made_anew_and_costs_no_row(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    monkeypatch.setattr(loader.retrying, "PAUSES_SECONDS", (0.01, 0.01))
    land, losses = loader.landing.source_work.land, [1, 3, 4, 8]

    def and_lose(connection: Any, chunk: Any) -> Any:
        losses[:] = [left - 1 for left in losses]
        if 0 in losses:
            owner = psycopg2.connect(**{**connection.get_dsn_parameters(), "user": "waybill"})
            owner.autocommit = True
            owner.cursor().execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
            owner.close()
        return land(connection, chunk)

    monkeypatch.setattr(loader.landing.source_work, "land", and_lose)
    with caplog.at_level(logging.WARNING):
        assert load(Request(("things",))).rows == 500
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    assert len([line for line in caplog.messages if "trying again" in line]) == 4


def test_a_server_that_stays_away_stops_the_load_with_nothing_half_written(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    monkeypatch.setattr(loader.retrying, "PAUSES_SECONDS", (0.01, 0.01))
    land, begun = loader.landing.source_work.land, []

    def and_fail(connection: Any, chunk: Any) -> Any:
        begun.append(chunk)
        if len(begun) > 2:
            raise psycopg2.errors.DiskFull("could not extend file: No space left on device")
        return land(connection, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_work, "land", and_fail)
        with pytest.raises(psycopg2.errors.DiskFull):
            load(Request(("things",)))
    assert len(begun) == 5
    assert rows("select outcome from ledger.runs") == [("failed",)]
    assert sum(landed_ids().values()) == rows("select sum(landed)::int from ledger.batches")[0][0] > 0

    load(Request(("things",)))
    assert landed_ids() == Counter(f"t{n}" for n in range(500))


def test_a_rival_that_hangs_inside_its_transaction_is_told_and_waited_for(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    with monkeypatch.context() as patch:
        die_after(2, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    rival = connect("owner")
    rival.cursor().execute("select from ledger.inputs for update")
    timeouts = {**LOADER_TIMEOUTS, "lock_timeout": "100ms"}
    monkeypatch.setattr(warehouse.connection, "LOADER_TIMEOUTS", timeouts)
    monkeypatch.setattr(loader.retrying, "time", SimpleNamespace(sleep=lambda _: rival.rollback()))
    with caplog.at_level(logging.WARNING):
        load(Request(("things",)))
    rival.close()
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    (said,) = [line for line in caplog.messages if "trying again" in line]
    assert "lock timeout" in said


def test_a_loader_that_was_suspended_inside_its_transaction_lets_go_and_goes_on(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n) for n in range(500)))
    timeouts = {**LOADER_TIMEOUTS, "idle_in_transaction_session_timeout": "1s"}
    monkeypatch.setattr(warehouse.connection, "LOADER_TIMEOUTS", timeouts)
    monkeypatch.setattr(loader.retrying, "PAUSES_SECONDS", (0.01, 0.01))
    land, suspended = loader.landing.source_work.land, []

    def and_hang(connection: Any, chunk: Any) -> Any:
        if not suspended:
            suspended.append(chunk)
            connection.cursor().execute("select from ledger.inputs for update")
            while rows("select from pg_stat_activity where pid = %s", connection.info.backend_pid):
                time.sleep(0.05)
        return land(connection, chunk)

    monkeypatch.setattr(loader.landing.source_work, "land", and_hang)
    with caplog.at_level(logging.WARNING):
        assert load(Request(("things",))).rows == 500
    assert landed_ids() == Counter(f"t{n}" for n in range(500))
    assert len([line for line in caplog.messages if "trying again" in line]) == len(suspended) == 1


def test_inputs_are_locked_in_one_order_by_all(database: str) -> None:
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
    rival.cursor().execute(f"{held} nowait", [ids[1]])  # which the waiting one would hold in another order
    rival.rollback()
    waiting.join()
    loading.close()
    rival.close()


def test_a_run_that_succeeded_is_recorded_when_the_server_goes_away_just_then(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.runs, "PAUSES_SECONDS", (0.01, 0.01))
    losses = [2, 3]

    def and_lose(role: Role) -> Any:
        losses[:] = [left - 1 for left in losses]
        connection = connect(role)
        if 0 in losses:
            owner = connect("owner")
            owner.cursor().execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            owner.close()
        return connection

    monkeypatch.setattr(warehouse.runs, "connect", and_lose)
    with recorded_run("anything"):
        pass
    assert losses == [-2, -1]
    assert rows("select command, outcome from ledger.runs") == [("anything", "succeeded")]


BROKEN = {
    "a.json": b"[" + b",".join(document(n) for n in range(6)) + b' {"id": 7}]',
    "b.json": b"[" + b",".join(document(n) for n in range(6)) + b',{"id": "torn',
    "c.ndjson.gz": gzip.compress(b"\n".join(document(n, pad=f"{n * 7919:x}" * 99) for n in range(600)))[:-90],
    "d.ndjson": "\n".join(document(n).decode() for n in range(6)).encode("utf-16"),
    "e.rec": b'{"data": {"things": [' + document(1) + b",,]}}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_off_is_named_once_wherever_the_load_died(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "1" if len(BROKEN[name]) < 2000 else "40000")
    for died_after in range(9):
        path = source / f"{died_after}-{name}"
        path.write_bytes(BROKEN[name])
        with monkeypatch.context() as patch:
            die_after(died_after, patch)
            with suppress(Killed):
                load(Request(("things",), (str(path),)))
        load(Request(("things",), (str(path),)))
        assert rows("select count(*)::int from ledger.rejects")[0][0] == 1
        owner = connect("owner")
        with owner, owner.cursor() as cursor:
            cursor.execute("truncate ledger.inputs, raw.things cascade")
        owner.close()
