# waybill: sample
"""An erase waits for what works on the warehouse, and others wait for it; it follows an undo that no run has seen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.undo.undo import undo
from pipeline.erasing.finishing.pages import OF_THE_SERVER
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import rows
from tests.support.small.documents import flight
from tests.support.small.pipeline import SmallPipeline, small_pipeline
from warehouse.connection import engine
from warehouse.work_lock import only_run
from waybill.settings import get_settings

WAYBILL = str(Path(sys.executable).with_name("waybill"))
pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`

WAIT_SECONDS = 30  # in which each erase has found its documents
LEFT = "select count(*) from marts.fct_flights where flight_id = any(%s)"
ERASURES = "select count(*), count(completed_at), sum(documents)::int from ledger.erasures"
PLAN = "select flight_id from marts.fct_flights order by flight_id limit 3"


@pytest.fixture(scope="module")
def small(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    with small_pipeline(tmp_path_factory.mktemp("races")) as pipeline:
        ran = pipeline.run("load", "dbt")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        yield pipeline


def start(small: SmallPipeline, *keys: str) -> subprocess.Popen[str]:
    command = [WAYBILL, "erase", "flights", *keys]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=small.variables)


def test_erases_at_once_take_turns_after_a_run(small: SmallPipeline) -> None:
    first, second, third = (key for (key,) in rows(PLAN))
    with only_run("run that the erases wait for"):
        started = [start(small, first, second), start(small, second), start(small, third)]
        time.sleep(WAIT_SECONDS)
        assert rows(ERASURES) == [(0, 0, None)]
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert all("waiting for another run to end" in errors for _, errors in ended)
    assert rows(LEFT, [first, second, third]) == [(0,)]
    ((erasures, complete, documents),) = rows(ERASURES)
    assert (complete, documents) == (erasures, 3)
    if not get_settings().is_embedded:
        ((left,),) = rows("select certificate -> 'left_to_others' from ledger.erasures limit 1")
        assert set(OF_THE_SERVER) <= set(left)
    assert erasures in (2, 3)  # the one of the second key alone may come before or after that of both


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def test_an_erase_after_an_undo_that_no_run_has_seen(small: SmallPipeline) -> None:
    never_saw = hashes()
    only_undone, left = (flight(number, airline__code="ZZ", destination__airport="ZZZ") for number in (8001, 8002))
    small.deliver("flights", "undone.ndjson", [only_undone, left])
    small.deliver("flights", "left.ndjson", [{**left, "updated_at": "2013-02-02T06:00:00Z"}])
    ran = small.run("load", "dbt")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert hashes() != never_saw
    assert undo(str(small.folder / "raw" / "flights" / "undone.ndjson"))
    keys = [f"ZZ-{number}-EWR-2013-01-02" for number in (8001, 8002)]
    assert rows("select count(*) from marts.fct_flights where flight_id = any(%s)", keys) == [(2,)]
    process = start(small, *keys)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "erased 1 document" in output and hashes() == never_saw
    small.deliver("flights", "again.ndjson", [only_undone, left])
    ran = small.run("load", "dbt")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert hashes() == never_saw
