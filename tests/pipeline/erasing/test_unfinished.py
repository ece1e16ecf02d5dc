"""An erasure that cannot be completed is tried again, is named, and does not keep others from being erased."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import pytest

from loader.erasing.erase import complete
from loader.load import load
from loader.plan import Request
from ml.erasing.report import Policy
from pipeline.erasing import erase as module
from pipeline.erasing.asked import Asked
from pipeline.erasing.erase import Complete, erase
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.lineage import Lineage
from pipeline.errors import EraseIncomplete
from tests.loader.conftest import source  # noqa: F401
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from warehouse.connection import connect

STATE = "select source, models, completed_at is not null from ledger.erasures order by erased_at"
T1 = Asked("things", ("t1",))


@pytest.fixture(autouse=True)
def two_sources(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Land documents of `things` and of `others`; an erasure of things can be completed with keep-marked only."""
    monkeypatch.setattr(module, "read_lineage", lambda: Lineage({}, {}))
    monkeypatch.setattr(module, "require_current", lambda: None)
    monkeypatch.setattr(module, "_finish", _finish)
    declared = source.parent / "declared"
    (declared / "others.yml").write_text(
        (declared / "things.yml").read_text().replace("source: things", "source: others")
    )
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(map(document, range(1, 4))))
    for name in ("things", "others"):
        load(Request((name,), (str(path),), "ndjson"))


def _finish(erasing: Erasing) -> Complete:
    if erasing.source == "things" and erasing.policy != "keep-marked":
        raise EraseIncomplete(f"no new model of {erasing.erasure_id}")
    with closing(connect("keeper")) as keeper:
        complete(keeper, erasing.recorded.erasure_id, {})
    return Complete(erasing.recorded, Path("certificate"), [], [])


def erased(asked: Asked | None, policy: Policy | None = None, *, fails: bool = False) -> list[str]:
    """Erase; return the sources of completed erasures. With `fails`, the command has to fail after them."""
    found = []
    try:
        for done in erase(asked, policy):
            found.append(done.recorded.source)
    except EraseIncomplete as error:
        assert fails and str(error).startswith("no new model of ")
    else:
        assert not fails
    return found


def test_one_that_fails_again_does_not_block_another(caplog: pytest.LogCaptureFixture) -> None:
    assert erased(T1, "retrain", fails=True) == []
    assert landed_ids() == {"t2": 1, "t3": 1}
    with caplog.at_level(logging.WARNING):
        assert erased(Asked("others", ("t1",)), fails=True) == ["others"]
        assert erased(Asked("things", ("t2",)), "keep-marked", fails=True) == ["things"]
    ((first,),) = rows("select erasure_id::text from ledger.erasures where models = 'retrain'")
    assert [record.getMessage() for record in caplog.records] == [f"no new model of {first}"] * 2
    assert rows(STATE) == [
        ("things", "retrain", False),
        ("others", "keep-marked", True),
        ("things", "keep-marked", True),
    ]


def test_a_policy_replaces_that_of_the_same_keys() -> None:
    assert erased(Asked("things", ("t1", "t2")), "retrain", fails=True) == []
    assert erased(T1, "keep-marked", fails=True) == []
    assert rows(STATE) == [("things", "retrain", False)]
    assert erased(Asked("things", ("t1", "t2")), "refuse", fails=True) == []
    assert erased(Asked("things", ("t1", "t2")), fails=True) == []
    assert rows(STATE) == [("things", "refuse", False)]
    assert erased(Asked("things", ("t2", "t1")), "keep-marked") == ["things"]
    assert rows(STATE) == [("things", "keep-marked", True)]


def test_a_policy_alone_replaces_that_of_all_interrupted() -> None:
    assert erased(T1, "refuse", fails=True) == []
    assert erased(None, fails=True) == []
    assert erased(None, "keep-marked") == ["things"]
    assert erased(None, "refuse") == []
    assert rows(STATE) == [("things", "keep-marked", True)]
