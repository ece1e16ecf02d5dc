# waybill: sample
"""The small sample in git is what its builder makes, and the ledger shows each of its faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.sample.__main__ import sample as command
from data.sample.faults import Planted
from data.sample.small import SMALL, build_small
from loader.errors import CoordinateUnknown
from loader.load import load
from loader.plan import Request
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.small.documents import SOURCES
from waybill.settings import PROJECT

pytestmark = pytest.mark.slow

COMMITTED = PROJECT / "data" / "raw" / SMALL


@pytest.fixture(scope="module")
def made() -> tuple[bytes, list[Planted]]:
    """The file that the builder makes, and its faults."""
    return build_small()


def test_the_file_in_git_is_what_the_builder_makes(
    made: tuple[bytes, list[Planted]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.sample.small.build_small", lambda: made)
    result = CliRunner().invoke(command, ["--small", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert COMMITTED.read_bytes() == (tmp_path / SMALL).read_bytes()
    assert COMMITTED.stat().st_size < 100_000


def test_it_holds_every_source_as_json_that_python_reads() -> None:
    found = json.loads(COMMITTED.read_bytes())
    assert sorted(found) == sorted(SOURCES)
    assert not any(isinstance(value, dict | list) for value in found["airports"][0].values())
    assert isinstance(found["flights"][0]["scheduled"], dict)
    assert isinstance(found["weather"][0]["observations"], list)


def test_the_ledger_names_each_fault(made: tuple[bytes, list[Planted]], database: str) -> None:
    faults = made[1]
    lines = [line.removesuffix(b",") for line in COMMITTED.read_bytes().splitlines()]
    first = lines.index(b'"flights": [') + 1
    planted = {lines.index(fault.line, first) - first + 1: fault for fault in faults}
    planted = {position: fault for position, fault in planted.items() if "rejected" in fault.expected}

    load(Request(SOURCES, (str(COMMITTED),), "records"))

    found = rows("select source, position, reason from ledger.open_rejects order by 2")
    assert found == [("flights", position, planted[position].expected["rejected"]) for position in sorted(planted)]
    assert len(found) == 3
    assert rows("select pointer from ledger.drift") == [("/gate",)]


def test_why_answers_for_each_source_that_has_the_position(database: str) -> None:
    load(Request(SOURCES, (str(COMMITTED),), "records"))
    answers = "\n".join(why(f"{COMMITTED}:4"))
    assert all(f"is source {name}," in answers for name in SOURCES)
    assert "is source flights," in why(f"{COMMITTED}:100")[0]
    with pytest.raises(CoordinateUnknown, match="ends before that position"):
        why(f"{COMMITTED}:119")
