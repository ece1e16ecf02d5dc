"""What a process had begun when it was killed is known to the next one; what a living process does is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.openlineage.journal import Journal, ended_journals, journal_folder
from pipeline.openlineage.state_changes import Begun, Named
from waybill.observing.work import Work
from waybill.settings import get_settings

BEGIN = """
import sys
from pipeline.openlineage.journal import Journal
from pipeline.openlineage.state_changes import Begun
from waybill.observing.work import Work
from waybill.settings import get_settings

journal = Journal(get_settings())
for name in ("outer", "done", "inner"):
    begun = Begun(Work("stage", name, {"n": name}))
    journal.begin(begun)
    if name == "outer":
        journal.started(begun)
    if name == "done":
        journal.end(begun)
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))


@pytest.fixture
def living() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def unfinished() -> list[list[str]]:
    found = []
    for journal in ended_journals(get_settings()):
        found.append([begun.work.name for begun, _ in journal.unfinished()])
        journal.close(is_done=False)
    return found


def test_what_a_killed_process_began_is_found(living: subprocess.Popen[str]) -> None:
    assert unfinished() == [], "it is still at work"
    os.kill(living.pid, signal.SIGKILL)
    living.wait()
    assert unfinished() == [["outer", "inner"]]
    [journal] = ended_journals(get_settings())
    assert [(begun.work.facts, is_started) for begun, is_started in journal.unfinished()] == [
        ({"n": "outer"}, True),
        ({"n": "inner"}, False),
    ]
    assert list(ended_journals(get_settings())) == [], "one command closes it, not two"
    journal.close(is_done=True)
    assert unfinished() == []
    assert list(journal_folder(get_settings()).iterdir()) == []


def test_a_line_that_was_cut_off_is_ignored(living: subprocess.Popen[str]) -> None:
    living.kill()
    living.wait()
    [path] = journal_folder(get_settings()).iterdir()
    path.write_bytes(path.read_bytes() + b'{"run_id": "01a2')
    assert unfinished() == [["outer", "inner"]]


def test_another_databases_works_are_left_alone(living: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    living.kill()
    living.wait()
    monkeypatch.setenv("PGDATABASE", f"{get_settings().pgdatabase}_other")
    assert unfinished() == []


def test_the_file_is_gone_when_all_has_ended() -> None:
    journal, begun = Journal(get_settings()), Begun(Work("stage", "load"))
    journal.begin(begun)
    assert len(list(journal_folder(get_settings()).iterdir())) == 1
    journal.end(begun)
    assert list(journal_folder(get_settings()).iterdir()) == []


def test_parents_survive_the_journal() -> None:
    begun = Begun(Work("load", "orders", {"ledger_run": "1"}), Named("2", "waybill", "pipeline.load"))
    read = Begun.from_json(begun.as_json())
    assert (read.named, read.parent, read.root, read.at) == (begun.named, begun.parent, None, begun.at)
