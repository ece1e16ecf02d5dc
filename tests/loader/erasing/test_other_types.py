"""A key is looked for, and barred, by the types of the erasure that erased it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from loader.erasing import bars
from loader.erasing.erase import unfinished
from loader.load import load
from loader.plan import Request
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.verifying import _left_in_raw
from pipeline.erasing.lineage import Lineage
from tests.support.databases import rows
from tests.support.documents import landed_ids
from tests.support.erasing import erase, lift_keys
from warehouse.connection import connect

LINES = [f'{{"id": "{key}", "updated_at": ""}}' for key in ("1", "01", "2", "02")]


def test_bars_of_other_types_are_not_taken_for_what_is_left(database: str, source: Path) -> None:
    lines = [f'{{"id": "{key}", "updated_at": ""}}' for key in ("1", "01", "2")]
    (source / "a.ndjson").write_text("\n".join(lines))
    load(Request(("things",)))
    assert erase("1").documents == 1
    assert erase("2", key_types=[("/id", "integer")]).documents == 1
    assert landed_ids() == {"01": 1}
    with closing(connect("keeper")) as keeper:
        for recorded in unfinished(keeper):
            left, _ = _left_in_raw(Erasing(recorded, Lineage({}, {})))
            assert not any(left.values()), left


def load_again(source: Path, name: str) -> dict[str, int]:
    """Load the documents from another file; return how often each has landed in all."""
    (source / name).write_text("\n".join(LINES).replace("}", f', "file": "{name}"}}'))
    load(Request(("things",)))
    return dict(landed_ids())


@pytest.mark.parametrize("max_bars", [10_000, 1])
def test_each_erasure_bars_by_its_own_types(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, max_bars: int
) -> None:
    monkeypatch.setattr(bars, "MAX_BARS", max_bars)
    (source / "a.ndjson").write_text("\n".join(LINES))
    load(Request(("things",)))
    erase("1")
    erase("2", key_types=[("/id", "integer")])
    assert load_again(source, "b.ndjson") == {"01": 2}


def test_a_key_is_barred_until_it_is_lifted_by_its_own_text(database: str, source: Path) -> None:
    (source / "a.ndjson").write_text("\n".join(LINES))
    load(Request(("things",)))
    erase("01")
    erase("1", key_types=[("/id", "integer")])
    assert rows("select count(*) from ledger.barred_keys") == [(2,)]
    assert lift_keys("1") == 1
    assert load_again(source, "b.ndjson") == {"1": 1, "2": 2, "02": 2}
    assert lift_keys("01") == 1
    assert load_again(source, "c.ndjson") == {"1": 2, "01": 1, "2": 3, "02": 3}


def test_both_erasures_of_one_key_have_a_bar_of_their_own(database: str, source: Path) -> None:
    (source / "a.ndjson").write_text("\n".join(LINES))
    load(Request(("things",)))
    erase("1")
    assert erase("1", key_types=[("/id", "integer")]).documents == 1
    assert rows("select count(*) from ledger.barred_keys group by key_hash") == [(2,)]
    assert load_again(source, "b.ndjson") == {"2": 2, "02": 2}
    assert lift_keys("1") == 1
    assert load_again(source, "c.ndjson") == {"1": 1, "01": 1, "2": 3, "02": 3}
