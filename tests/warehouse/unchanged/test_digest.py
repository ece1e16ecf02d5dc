"""Whether a digest changes with each thing that a result follows from, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.task import execute
from warehouse.connection import connect, engine
from warehouse.schema import ensure_raw_tables
from warehouse.unchanged import digest
from warehouse.unchanged.digest import digest_state
from warehouse.unchanged.made_files import find_made, remember_made

CHANGES = {
    "a row updated to its own value": ["update marts.things set n = n where n = 7"],
    "a row deleted": ["delete from marts.things where n = 7"],
    "one row for another": ["delete from marts.things where n = 7", "insert into marts.things values (7)"],
    "a table emptied": ["truncate marts.things"],
    "a column of another type": ["alter table marts.things alter column n type bigint"],
    "a table made again": ["alter table marts.things rename to old", "create table marts.things as table marts.old"],
}


@pytest.fixture
def things(module_database: str) -> None:
    execute(
        "alter default privileges in schema marts grant select on tables to waybill_reader",
        "drop table if exists marts.things, marts.old, marts.other cascade",
        "create table marts.things as select n from generate_series(1, 100) as n",
        "create table marts.other ()",
    )


@pytest.fixture
def digest_now(things: None, tmp_path: Path) -> Callable[..., str]:
    """Return the digest of a table, a file and a package."""
    (tmp_path / "suite.json").write_text("{}")

    def now(*, tables: tuple[str, ...] = ("marts.things",), also: object = None) -> str:
        files = [tmp_path / "suite.json", tmp_path / "missing.json"]
        with engine("reader").connect() as connection:
            return digest_state(connection, tables, files, packages=["orjson"], also=also)

    return now


def test_nothing_new_has_the_same_digest(digest_now: Callable[..., str]) -> None:
    before = digest_now()
    execute("insert into marts.other default values", "analyze marts.things")
    assert digest_now() == before


@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES.keys())
def test_each_write_to_a_table_changes_it(digest_now: Callable[..., str], statements: list[str]) -> None:
    before = digest_now()
    execute(*statements)
    assert digest_now() != before


def test_files_packages_and_batches_change_it(
    digest_now: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [digest_now(), digest_now(also=1), digest_now(tables=("marts.things", "marts.other"))]
    (tmp_path / "suite.json").write_text("[]")
    found.append(digest_now())
    (tmp_path / "missing.json").touch()
    found.append(digest_now())
    ensure_raw_tables(connect("owner"), ["orders"])
    land("orders", order())
    found.append(digest_now())
    monkeypatch.setattr(digest, "version", lambda name: f"another {name}")
    found.append(digest_now())
    assert len(set(found)) == len(found)


def test_a_view_is_never_unchanged(digest_now: Callable[..., str]) -> None:
    execute("create view marts.seen as table marts.things")
    assert digest_now(tables=("marts.seen",)) != digest_now(tables=("marts.seen",))


def test_a_file_is_made_again_unless_all_of_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert find_made(file, "one") is None
    file.write_text("page")
    assert find_made(file, "one") is None
    remember_made(file, "one", rows=3)
    assert find_made(file, "one") == {"state": "one", "bytes": 4, "rows": 3}
    assert find_made(file, "two") is None
    file.write_text("pag")
    assert find_made(file, "one") is None
    (tmp_path / ".page.state").write_text("{")
    assert find_made(file, "one") is None
