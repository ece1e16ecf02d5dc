"""An undo that is killed, or meets a run, a replay or another undo, is done whole or not at all (P1, P2)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import loader.undo.undo
from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from loader.rejects.replay_positions import ReplayPositions
from loader.undo.undo import undo
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.landing import land, make_empty
from warehouse.connection import connect
from warehouse.errors import RunInProgress
from warehouse.work_lock import only_run

SESSIONS = "select pid from pg_stat_activity where application_name = 'waybill {}' and datname = current_database()"
WAITING = SESSIONS + " and wait_event_type = 'Lock'"
BOOKS = "select read, landed, rejected, skipped, undone, is_balanced from ledger.books"


def wait_until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def sessions(role: str, statement: str = WAITING) -> list[int]:
    """Return the server processes of a role's sessions that wait for a lock; only the owner sees what others wait for."""
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute(statement.format(role))
        found = [pid for (pid,) in cursor.fetchall()]
    owner.close()
    return found


@contextmanager
def ledger_locked() -> Iterator[None]:
    """Let an undo wait at its last step, after it has deleted the rows."""
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute("lock table ledger.undone_batches in share mode")
        yield
    owner.close()


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture
def loaded(database: str, source: Path) -> Path:
    """A file with one good document and a reject that passes the contract that is valid now."""
    path = source / "a.ndjson"
    path.write_bytes(document(1) + b'\n{"id": 2, "updated_at": ""}')
    load(Request(("things",)))
    relaxed = {**CONTRACT, "properties": {**CONTRACT["properties"], "id": {}}}
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(relaxed))
    return path


def test_a_killed_undo_has_done_nothing_and_a_rerun_completes(database: str, source: Path) -> None:
    make_empty()
    batch_id = land("things", *({"id": number} for number in range(20)))
    command = [sys.executable, "-m", "loader", "undo", str(batch_id)]
    with ledger_locked():
        process = subprocess.Popen(command)
        wait_until(lambda: sessions("keeper"))
        process.kill()
        process.wait()
    wait_until(lambda: not sessions("keeper", SESSIONS))
    assert rows("select count(*) from raw.things") == [(20,)]
    assert rows(BOOKS) == [(20, 20, 0, 0, 0, True)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "undone        20 documents of 1 batch" in ran.stdout
    assert rows("select count(*) from raw.things") == [(0,)]
    assert rows(BOOKS) == [(20, 20, 0, 0, 20, True)]
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout == "nothing to undo: no document and no reject of it is left\n"


def test_an_undo_whose_connection_is_lost_starts_again(loaded: Path) -> None:
    with ledger_locked():
        thread = in_thread(lambda: undo(str(loaded)))
        (pid,) = wait_until(lambda: sessions("keeper"))
        owner = connect("owner")
        owner.cursor().execute("select pg_terminate_backend(%s)", [pid])
        owner.close()
        wait_until(lambda: sessions("keeper") not in ([], [pid]))
    thread.join()
    assert landed_ids() == {}
    assert rows("select count(*), sum(documents) from ledger.undone_batches") == [(1, 1)]


def test_an_undo_and_a_run_exclude_each_other(loaded: Path) -> None:
    with only_run(), pytest.raises(RunInProgress, match=r"another run or undo is at work on this database \(waybill"):
        undo(str(loaded))
    assert landed_ids() == {"t1": 1}
    with ledger_locked():
        thread = in_thread(lambda: undo(str(loaded)))
        wait_until(lambda: sessions("keeper"))
        with pytest.raises(RunInProgress):
            undo(str(loaded))
    thread.join()
    assert landed_ids() == {}


def test_a_replay_at_work_is_undone_with_its_batch(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, released, advance = threading.Event(), threading.Event(), ReplayPositions.advance

    def wait(*arguments: Any) -> None:
        reached.set()
        released.wait(60)
        advance(*arguments)

    monkeypatch.setattr(ReplayPositions, "advance", wait)
    replaying = in_thread(lambda: replay("things", None, lambda reject, reason: None))
    reached.wait(60)
    undoing = in_thread(lambda: undo(str(loaded)))
    wait_until(lambda: sessions("keeper"))
    released.set()
    replaying.join()
    undoing.join()
    assert landed_ids() == {}
    assert rows("select count(*) from ledger.undone_batches") == [(2,)]
    assert rows("select count(*) from ledger.open_rejects") == [(0,)]


def test_a_replay_that_waits_for_an_undo_lands_nothing(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, released, record = threading.Event(), threading.Event(), loader.undo.undo._record

    def wait(*arguments: Any) -> None:
        reached.set()
        released.wait(60)
        record(*arguments)

    monkeypatch.setattr(loader.undo.undo, "_record", wait)
    undoing = in_thread(lambda: undo(str(loaded)))
    reached.wait(60)
    replaying = in_thread(lambda: replay("things", None, lambda reject, reason: None))
    wait_until(lambda: sessions("loader"))
    released.set()
    undoing.join()
    replaying.join()
    assert landed_ids() == {}
    assert rows(BOOKS) == [(2, 1, 1, 0, 1, True)]
