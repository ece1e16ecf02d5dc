"""The verification of an erasure looks for keys by the types that they were erased with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from loader.erasing.erase import unfinished
from loader.load import load
from loader.plan import Request
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.verifying import _left_in_raw
from pipeline.erasing.lineage import Lineage
from tests.support.documents import landed_ids
from tests.support.erasing import erase
from warehouse.connection import connect


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
