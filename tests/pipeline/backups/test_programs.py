"""The password of pg_dump and pg_restore is in a private folder, which does not outlive them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.backups.programs import private_folder
from waybill.settings import get_settings

KILLED = """
import os, signal
from pipeline.backups.programs import private_folder
from waybill.settings import get_settings

with private_folder(get_settings()) as folder:
    (folder / "pgpass").write_text("secret")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "programs"


def test_the_next_program_removes_what_a_killed_one_left(passwords: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", KILLED], env=os.environ, check=False)
    assert ran.returncode == -signal.SIGKILL
    assert len(list(passwords.glob("*/pgpass"))) == 1
    with private_folder(get_settings()) as first, private_folder(get_settings()) as second:
        assert {path.stat().st_mode & 0o777 for path in (passwords, first, second)} == {0o700}
        assert sorted(passwords.iterdir()) == sorted([first, second])
    assert list(passwords.iterdir()) == []
