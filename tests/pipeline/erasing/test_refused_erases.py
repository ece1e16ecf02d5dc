# waybill: sample
"""What `waybill erase` refuses: one line says what is wrong, and nothing is erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from loader.erasing.erase import complete
from loader.erasing.secret import secret_file
from loader.erasing.wanted import Found, Wanted
from loader.errors import EraseRefused, SourceUnknown
from pipeline.backups.erasure_log import LoggedLift
from pipeline.erasing import erase as module
from pipeline.erasing import lifting
from pipeline.erasing.asked import Asked, find_asked
from pipeline.erasing.erase import erase, refuse_snapshots
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.kinds import Kind, Relation
from pipeline.erasing.lifting import lift_bars
from pipeline.erasing.lineage import Downstream, Lineage, read_lineage
from tests.support.databases import fresh_database, rows
from tests.support.landing import land
from tests.support.small.documents import flight
from tests.support.small.warehouse import build_raw
from warehouse.connection import connect
from waybill.errors import WaybillError
from waybill.settings import get_settings

KEY = "UA-1-EWR-2013-01-02"
STATE = "select (select count(*) from raw.flights), (select count(*) from ledger.erasures)"


@pytest.fixture(scope="module")
def landed(server: None) -> Iterator[None]:
    """Land three flights; no model is built."""
    with fresh_database("refused"):
        build_raw(3)
        yield


@pytest.fixture(autouse=True)
def parsed_once(landed: None, monkeypatch: pytest.MonkeyPatch, lineage: Lineage) -> None:
    monkeypatch.setattr(module, "read_lineage", lambda: lineage)


@pytest.fixture(scope="module")
def lineage(landed: None) -> Lineage:
    return read_lineage()


def refused(asked: Asked) -> str:
    """Return the message with which an erase is refused."""
    before = rows(STATE)
    with pytest.raises(WaybillError) as raised:
        list(erase(asked, "keep-marked"))
    assert rows(STATE) == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_source_that_nobody_declared() -> None:
    with pytest.raises(SourceUnknown, match="flihgts"):
        list(erase(Asked("flihgts", (KEY,)), "keep-marked"))


def test_no_key() -> None:
    assert refused(Asked("flights")).startswith("nothing to erase is named: give keys of flights")
    assert "a key is empty" in refused(Asked("flights", ("",)))


def test_an_unknown_key_is_named_among_several() -> None:
    assert refused(Asked("flights", (KEY, "UA-9-EWR-2013-01-02"))) == (
        "no document of flights has the key UA-9-EWR-2013-01-02 (of 2 keys); nothing was erased: a key is /airline/code "
        "and /flight_number and /origin/airport and /scheduled/date, with hyphens between the values"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"", "has no key"), (b"\n \n", "has no key"), (b"a\n\xff", "is not UTF-8 at byte 2")],
)
def test_a_file_of_keys_that_cannot_be_used(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    assert problem in refused(Asked("flights", keys_file=path))


def test_a_folder_instead_of_a_file_of_keys(tmp_path: Path) -> None:
    assert "Is a directory" in refused(Asked("flights", keys_file=tmp_path))


def test_a_condition_that_is_none() -> None:
    assert "it has no =" in refused(Asked("flights", where=("/flight_number",)))
    for pointer in ("flight_number", "/a~2b", ""):
        problem = f"{pointer!r} is not a pointer, which begins with / and has ~ only in ~0 and ~1"
        assert refused(Asked("flights", where=(f"{pointer}=1",))).endswith(problem)


def test_a_condition_that_nothing_meets() -> None:
    message = refused(Asked("flights", where=("/aircraft/tail_number=NSECRET",)))
    assert message.startswith("no document of flights has the value that was given at /aircraft/tail_number")
    assert "NSECRET" not in message


def test_a_snapshot_downstream(lineage: Lineage) -> None:
    class WithSnapshot(Lineage):
        def downstream(self, source: str) -> Downstream:
            return Downstream(source, (Relation("snapshots", "flights_history", Kind.SNAPSHOT),))

    with pytest.raises(EraseRefused, match=r"snapshots.flights_history .snapshot. would keep what is erased"):
        refuse_snapshots(WithSnapshot(lineage.nodes, lineage.sources), "flights")


def test_another_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    erase_quickly(monkeypatch, KEY)
    path = secret_file(get_settings())
    kept = path.read_text()
    try:
        path.write_text("0" * 64)
        assert "with another secret than today's" in refused(Asked("flights", ("UA-2-EWR-2013-01-02",)))
        path.unlink()
        assert "the secret is gone" in refused(Asked("flights", ("UA-2-EWR-2013-01-02",)))
        with pytest.raises(EraseRefused, match="has no secret of erasures"):
            lift_bars(Asked("flights", (KEY,)))
    finally:
        path.write_text(kept)


def test_a_key_that_was_erased_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    erase_quickly(monkeypatch, "UA-3-EWR-2013-01-02")
    assert list(erase(Asked("flights", ("UA-3-EWR-2013-01-02",)), "keep-marked")) == []


def test_a_key_that_is_not_barred_cannot_be_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    land("flights", flight(7))
    erase_quickly(monkeypatch, "UA-7-EWR-2013-01-02")
    with pytest.raises(EraseRefused, match="no erasure of flights has barred UA-8-EWR-2013-01-02; nothing was lifted"):
        lift_bars(Asked("flights", ("UA-8-EWR-2013-01-02",)))
    with pytest.raises(EraseRefused, match=r"^no key to lift is named: give keys of flights, or --keys FILE$"):
        lift_bars(Asked("flights"))
    with pytest.raises(EraseRefused, match="give the keys to lift"):
        lift_bars(Asked("flights", where=("/flight_number=7",)))
    with pytest.raises(EraseRefused, match="no erasure of flights has barred UA-8-EWR-2013-01-02; nothing was lifted"):
        lift_bars(Asked("flights", ("UA-7-EWR-2013-01-02", "UA-8-EWR-2013-01-02")))
    assert rows("select count(*) from ledger.runs where detail like '%UA-8%'") == [(0,)]
    assert lift_bars(Asked("flights", ("UA-7-EWR-2013-01-02",))) == (1, [])


def test_a_lift_is_in_the_log_before_the_bar_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    land("flights", flight(9))
    erase_quickly(monkeypatch, "UA-9-EWR-2013-01-02")
    logged: list[LoggedLift] = []

    def log(entry: LoggedLift) -> tuple[str, list[str], list[str]]:
        logged.append(entry)
        if len(logged) == 1:
            raise KeyboardInterrupt
        return "", [], []

    monkeypatch.setattr(lifting, "log_in_backups", log)
    with pytest.raises(KeyboardInterrupt):
        lift_bars(Asked("flights", ("UA-9-EWR-2013-01-02",)))
    ((began,),) = rows("select clock_timestamp()")
    assert lift_bars(Asked("flights", ("UA-9-EWR-2013-01-02",))) == (1, [])
    ((ended,),) = rows("select clock_timestamp()")
    assert began < datetime.fromisoformat(logged[1].lifted_at) < ended


def test_the_ledger_has_no_key_that_two_erased_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    land("flights", flight(10))
    key = "UA-10-EWR-2013-01-02"

    results = iter([find_asked])

    def find(wanted: Wanted) -> Found:
        for real in results:
            return real(wanted)
        raise EraseRefused(f"no document has the key {key}")

    monkeypatch.setattr(module, "find_asked", find)
    monkeypatch.setattr(module, "_number_of_erasures", count().__next__)
    with pytest.raises(EraseRefused, match="no document has the key"):
        list(erase(Asked("flights", (key,)), "keep-marked"))
    assert rows("select count(*) from ledger.runs where detail like '%UA-10%'") == [(0,)]


def test_the_same_command_knows_the_keys_that_it_was_killed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    land("flights", flight(11), flight(12))
    keys = ("UA-11-EWR-2013-01-02", "UA-12-EWR-2013-01-02")
    known: list[list[str]] = []

    def finish(erasing: Erasing) -> None:
        known.append(list(erasing.keys))
        if len(known) == 1:
            raise KeyboardInterrupt
        with closing(connect("keeper")) as keeper:
            complete(keeper, erasing.recorded.erasure_id, {})

    monkeypatch.setattr(module, "_finish", finish)
    with pytest.raises(KeyboardInterrupt):
        list(erase(Asked("flights", keys[:1]), "keep-marked"))
    list(erase(Asked("flights", keys), "keep-marked"))
    assert known[1:] == [[keys[0]], list(keys[1:])]


def erase_quickly(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Erase documents of one key from the raw table alone: what follows is tested elsewhere."""

    def finish(erasing: Erasing) -> None:
        with closing(connect("keeper")) as keeper:
            complete(keeper, erasing.recorded.erasure_id, {})

    monkeypatch.setattr(module, "_finish", finish)
    list(erase(Asked("flights", (key,)), "keep-marked"))
