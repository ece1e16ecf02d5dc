# waybill: sample
"""P5: two loaders commit out of order while dbt runs; a high-water mark in place of the set of batches would fail here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from tests.support.databases import rows
from tests.support.dbt_command import Dbt, execute
from tests.support.small.documents import flight, land_reference_data
from tests.support.small.marts import WITHOUT_FEATURES, update
from warehouse.connection import connect

FLIGHTS = "select flight_number from marts.fct_flights order by 1"
HELD = 0x57415942454C44  # the advisory lock that the held loader waits for
HOLD = f"""
create function public.hold() returns trigger language plpgsql set lock_timeout = 0 as
$$ begin perform pg_advisory_xact_lock({HELD}); return null; end $$;
create constraint trigger hold after insert on ledger.batches deferrable initially deferred
for each row when (new.landed = 2) execute function public.hold();
"""

WAITING = """
select from pg_locks inner join pg_stat_activity using (pid) where not granted and datname = current_database() and
"""
HELD_ONES = f"{WAITING} locktype = 'advisory' and objid = %s"
WAITING_FOR_ANOTHER = f"{WAITING} locktype <> 'advisory'"


@pytest.fixture
def dbt(database: str, tmp_path: Path) -> Dbt:
    """Return dbt, with landed reference data and a trigger that makes a batch of two documents wait at its commit."""
    make_raw_tables()
    land_reference_data()
    execute(HOLD)
    return Dbt(tmp_path)


def start_loader(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "loader", "load", "flights", str(path)]
    return subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)


def completes(loader: subprocess.Popen[bytes]) -> None:
    with loader:
        assert loader.wait(timeout=60) == 0


def write(path: Path, *numbers: int) -> Path:
    path.write_text("\n".join(json.dumps(flight(number)) for number in numbers))
    return path


@contextmanager
def held_at_commit(path: Path) -> Iterator[Any]:
    """Start a loader that waits at its commit; yield a function that releases it and waits for its end."""
    holder = connect("owner")
    with holder.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [HELD])
        loader = start_loader(path)
        while not rows(HELD_ONES, HELD % 2**32):
            assert loader.poll() is None
            time.sleep(0.02)

        def let_go() -> None:
            cursor.execute("select pg_advisory_unlock(%s)", [HELD])
            completes(loader)

        try:
            yield let_go
        finally:
            loader.kill()
            loader.wait()
    holder.close()


def test_a_batch_with_an_older_id_committed_last_is_processed(dbt: Dbt, tmp_path: Path) -> None:
    with held_at_commit(write(tmp_path / "slow.ndjson", 1, 2)) as let_go:
        completes(start_loader(write(tmp_path / "fast.ndjson", 3)))
        update(dbt)
        assert rows(FLIGHTS) == [(3,)]
        let_go()
    started = rows("select landed from ledger.batches where source = 'flights' order by batch_id")
    assert started == [(2,), (1,)], "the batch that committed last has the lower id"
    update(dbt)
    assert rows(FLIGHTS) == [(1,), (2,), (3,)]
    dbt.succeed("test", "-s", "test_name:documents_balance")


def test_a_batch_committed_while_dbt_runs_waits_for_next_run(dbt: Dbt, tmp_path: Path) -> None:
    with held_at_commit(write(tmp_path / "slow.ndjson", 1, 2)) as let_go:
        completes(start_loader(write(tmp_path / "fast.ndjson", 3)))
        gone: list[bool] = []

        def let_go_once(event: Any) -> None:
            if event.info.name == "LogModelResult" and "int_flights_deduplicated" in event.info.msg and not gone:
                gone.append(True)
                let_go()

        dbt.succeed("run", *WITHOUT_FEATURES, on_event=let_go_once)
        assert gone
    assert rows(FLIGHTS) == [(3,)]
    update(dbt)
    assert rows(FLIGHTS) == [(1,), (2,), (3,)]
    dbt.succeed("test", "-s", "test_name:documents_balance")


def test_two_loaders_of_one_file_land_each_document_once(dbt: Dbt, tmp_path: Path) -> None:
    path = write(tmp_path / "same.ndjson", 1, 2)
    with held_at_commit(path) as let_go:
        second = start_loader(path)
        while not rows(WAITING_FOR_ANOTHER):
            assert second.poll() is None, "the second waits for the first"
            time.sleep(0.02)
        let_go()
    completes(second)
    assert rows("select document ->> 'flight_number', count(*)::int from raw.flights group by 1 order by 1") == [
        ("1", 1),
        ("2", 1),
    ]
    assert rows("select sum(landed)::int from ledger.batches where source = 'flights'") == [(2,)]
