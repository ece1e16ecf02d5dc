"""An erasure that is killed, or meets a loader, is done whole or not at all, and no document slips past it (P1, P2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from loader.erasing.erase import Order, complete, record, unfinished
from loader.load import load
from loader.plan import Request
from tests.loader.undo.test_undo_races import SESSIONS, in_thread, sessions, wait_until
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.erasing import erase, find_now, wanted
from warehouse.connection import connect
from warehouse.runs import recorded_run
from waybill.settings import PROJECT

BOOKS = "select read, landed, rejected, skipped, undone, erased, is_balanced from ledger.books"
ERASE = """
import sys
from pathlib import Path
import loader.declarations
loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv[1])
from tests.support.erasing import erase
erase("t1")
"""


def load_all() -> None:
    load(Request(("things",)))


@pytest.fixture
def loaded(database: str, source: Path) -> Path:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join([document(1), document(2)]))
    load_all()
    return path


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Make every insert into a table wait."""
    with closing(connect("owner")) as owner, owner, owner.cursor() as cursor:
        cursor.execute(f"lock table {table} in share mode")
        yield


def test_what_a_loader_is_landing_is_erased_too(loaded: Path) -> None:
    loaded.with_name("b.ndjson").write_bytes(b"\n".join([document(1, other=1), document(3)]))
    with locked("ledger.drift"):
        loading = in_thread(load_all)
        wait_until(lambda: sessions("loader"))
        erasing = in_thread(lambda: erase("t1"))
        wait_until(lambda: sessions("keeper"))
    loading.join()
    erasing.join()
    assert landed_ids() == {"t2": 1, "t3": 1}
    assert rows(BOOKS) == [(4, 4, 0, 0, 0, 2, True)]


def test_what_arrives_during_an_erasure_is_only_counted(loaded: Path) -> None:
    loaded.with_name("b.ndjson").write_bytes(b"\n".join([document(1, other=1), document(3)]))
    with locked("ledger.erased_documents"):
        erasing = in_thread(lambda: erase("t1"))
        wait_until(lambda: sessions("keeper"))
        loading = in_thread(load_all)
        wait_until(lambda: sessions("loader"))
    erasing.join()
    loading.join()
    assert landed_ids() == {"t2": 1, "t3": 1}
    assert rows(BOOKS) == [(4, 4, 0, 0, 0, 2, True)]
    assert rows("select * from ledger.unknown_fields") == []


def test_a_killed_erasure_has_done_nothing_and_a_rerun_completes(loaded: Path) -> None:
    command = [sys.executable, "-c", ERASE, str(loaded.parents[1] / "declared")]
    with locked("ledger.erased_documents"):
        process = subprocess.Popen(command, cwd=PROJECT)
        wait_until(lambda: sessions("keeper"))
        process.kill()
        process.wait()
    wait_until(lambda: not sessions("keeper", SESSIONS))
    assert landed_ids() == {"t1": 1, "t2": 1}
    assert rows("select count(*) from ledger.erasures") == [(0,)]
    subprocess.run(command, check=True, cwd=PROJECT)
    assert landed_ids() == {"t2": 1}
    assert rows(BOOKS) == [(2, 2, 0, 0, 0, 1, True)]


def test_an_erasure_recorded_twice_is_one(loaded: Path) -> None:
    found = find_now(wanted("t1"))
    with recorded_run("erase things") as run_id, closing(connect("keeper")) as keeper:
        order = Order(run_id, "refuse")
        assert record(keeper, found, order) == record(keeper, found, order)
        (left,) = unfinished(keeper)
        assert (left.erasure_id, left.models, left.documents) == (str(order.erasure_id), "refuse", 1)
        complete(keeper, order.erasure_id, {"counts": 1})
        complete(keeper, order.erasure_id, {"counts": 2})
        assert unfinished(keeper) == []
    assert rows("select certificate from ledger.erasures") == [({"counts": 1},)]
