"""What an erase takes out of the ledger's texts, which can quote rows, and what it leaves there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.erasing.finishing.pages import forget_errors
from tests.support.databases import fresh_database, rows
from tests.support.small.warehouse import build_raw
from warehouse.connection import cursor_of
from warehouse.runs import recorded_run
from warehouse.work_lock import ENDED


@pytest.fixture(scope="module", autouse=True)
def ledger(server: None) -> Iterator[None]:
    with fresh_database("forgotten"):
        build_raw(1)
        yield


def test_only_the_name_of_an_error_stays() -> None:
    for error in (ValueError("A-1042: erased"), KeyboardInterrupt()):
        with pytest.raises(type(error)), recorded_run("failing"):
            raise error
    with recorded_run("failing") as killed:
        pass
    with cursor_of("loader") as cursor:
        killing = "update ledger.runs set outcome = 'failed', detail = %s where run_id = %s"
        cursor.execute(killing, [ENDED, str(killed)])
    for _ in range(2):
        forget_errors()
        details = rows("select detail from ledger.runs where command = 'failing' order by run_id")
        assert [detail for (detail,) in details] == ["ValueError: erased", "interrupted by a signal", ENDED]
