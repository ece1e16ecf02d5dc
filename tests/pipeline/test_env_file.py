"""`make env` writes `.env` with a password of its own, for its owner alone, and never over another."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from warehouse.settings import PROJECT, Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has the example and the command, and no `.env`."""
    (tmp_path / "pipeline").mkdir()
    for name in (".env.example", "pipeline/env_file.py"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    return tmp_path


def make_env(project: Path, umask: int = 0o000) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(project / "pipeline" / "env_file.py")]
    return subprocess.run(command, capture_output=True, text=True, umask=umask, check=False)


def test_each_call_in_a_new_clone_makes_another_password(project: Path) -> None:
    example, passwords = dotenv_values(PROJECT / ".env.example"), set()
    for _ in range(2):
        assert make_env(project).returncode == 0
        written = dotenv_values(project / ".env")
        assert {name: value for name, value in written.items() if name != "PGPASSWORD"} == {
            name: value for name, value in example.items() if name != "PGPASSWORD"
        }
        passwords.add(written["PGPASSWORD"])
        assert (project / ".env").stat().st_mode & 0o777 == 0o600
        (project / ".env").unlink()
    assert len(passwords) == 2
    assert all(len(password or "") >= 32 for password in passwords)


def test_a_file_that_is_there_stays_byte_for_byte(project: Path) -> None:
    (project / ".env").write_text("PGHOST=mine\n")
    said = make_env(project)
    assert said.returncode == 0
    assert "stays as it is" in said.stderr
    assert (project / ".env").read_text() == "PGHOST=mine\n"


def test_what_it_writes_means_the_embedded_server(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_env(project)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = Settings(_env_file=project / ".env")  # type: ignore[call-arg]
    assert settings.is_embedded
    assert settings.model_copy(update={"pgpassword": None}) == Settings(_env_file=None)  # type: ignore[call-arg]


def test_no_file_in_git_holds_a_default_password() -> None:
    found = subprocess.run(
        ["git", "grep", "-nE", r"PASSWORD[:=] *[A-Za-z0-9]|:-[^}]*\}.*PASSWORD|PASSWORD:-", "--", "*.yml", ".env*", "*.md"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""
