# waybill: sample
"""What an erase does with the ledger's texts, and what its certificate says that it has looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from loader.erasing.erase import Unfinished
from pipeline.erasing.finishing import verifying
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.pages import forget_errors
from pipeline.erasing.finishing.verifying import name_texts, verify
from pipeline.erasing.kinds import Kind, Relation
from pipeline.erasing.lineage import Downstream, Lineage
from tests.support.databases import fresh_database, rows
from tests.support.small.warehouse import build_raw
from warehouse.connection import connect, cursor_of
from warehouse.runs import recorded_run
from warehouse.work_lock import ENDED
from waybill.identifiers import uuid7

SECOND_NAME = (
    "insert into ledger.input_names (input_id, name) select input_id, 'A-1042.json' from ledger.inputs limit 1"
)


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


class Made(Lineage):
    """Two tables made from each source: the rows of one say where they are from."""

    def downstream(self, source: str) -> Downstream:
        made = (Relation("marts", "compared", Kind.TABLE), Relation("marts", "counts", Kind.TABLE))
        return Downstream(source, made)


@pytest.fixture
def erasing() -> Erasing:
    recorded = Unfinished(str(uuid7()), str(uuid7()), "flights", 1, 1, 0, "keep-marked", datetime.now(UTC))
    return Erasing(recorded, Made({}, {}), {"A-1042": ()})


def test_texts_that_hold_a_key_are_counted(erasing: Erasing) -> None:
    for command in ("test A-1042", "test A-10421"):
        with recorded_run(command):
            pass
    with cursor_of("loader") as cursor:
        cursor.execute(SECOND_NAME)
    with closing(connect("owner")) as owner:
        name_texts(owner, erasing)
    assert erasing.left_to_others == [
        "ledger.input_names (name): 1 row with an erased key in a text",
        "ledger.runs (command): 1 row with an erased key in a text",
    ]


def test_what_is_not_compared_is_not_said_to_be_looked_at(erasing: Erasing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_left_in_raw", lambda _: ({}, []))
    with cursor_of("owner") as cursor:
        cursor.execute("create table marts.compared (_batch_id uuid, _position bigint)")
        cursor.execute("create table marts.counts (number int)")
    verify(erasing)
    assert erasing.found["looked_at"] == ["marts.compared"]
    assert erasing.found["built_again_and_not_compared"] == ["marts.counts"]
