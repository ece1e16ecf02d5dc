"""While a command that changes files was interrupted, every other command refuses before it reads or makes anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from waybill.errors import ChangePending
from waybill.file_lock import file_lock
from waybill.project.pending_change import JOURNAL, LOCKED, STAGED, require_startable


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / LOCKED).mkdir()
    (tmp_path / STAGED).mkdir()
    (tmp_path / STAGED / JOURNAL).write_text(json.dumps({"added": [], "command": "rename cafes bars"}))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("waybill", ["status"]),
        ("waybill", ["load", "rename"]),
        ("waybill", ["new-task", "a"]),
        ("waybill", ["reset"]),
        ("python -m loader", ["load", "cafes"]),
        ("python -m warehouse", ["remove"]),
        ("python -m ml.train", []),
    ],
)
def test_other_commands_name_the_one_to_repeat(project: Path, name: str, arguments: list[str]) -> None:
    with pytest.raises(ChangePending, match="rename cafes bars` was interrupted: run it again first"):
        require_startable(project, name, arguments)
    with file_lock(project / LOCKED), pytest.raises(ChangePending, match="bars` is at work: wait for its end"):
        require_startable(project, name, arguments)
    (project / STAGED / JOURNAL).unlink()
    require_startable(project, name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("waybill", ["rename", "cafes", "bars"]),
        ("rename", ["cafes", "bars"]),
        ("waybill", ["down"]),
        ("waybill", ["psql", "-c", "select 1"]),
        ("waybill", ["load", "--help"]),
        ("waybill", ["completion", "bash"]),
        ("python -m warehouse", ["down"]),
    ],
)
def test_the_command_itself_and_what_changes_nothing_start(project: Path, name: str, arguments: list[str]) -> None:
    require_startable(project, name, arguments)
