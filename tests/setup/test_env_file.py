"""`make env` writes `.env` with a random password, readable by its owner only, and never overwrites one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from setup.env_file import SECRETS
from waybill.settings import PROJECT, Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the example and the command, without `.env`."""
    (tmp_path / "setup").mkdir()
    for name in (".env.example", "setup/env_file.py"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    return tmp_path


def make_env(project: Path, umask: int = 0o000) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(project / "setup" / "env_file.py")]
    return subprocess.run(command, capture_output=True, text=True, umask=umask, check=False)


def test_each_new_clone_gets_another_password(project: Path) -> None:
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
        shutil.rmtree(project / "secrets")
    assert len(passwords) == 2
    assert all(len(password or "") >= 32 for password in passwords)


def test_an_existing_file_stays_byte_for_byte(project: Path) -> None:
    (project / ".env").write_text("PGHOST=mine\n")
    result = make_env(project)
    assert result.returncode == 0
    assert ".env exists and was not changed" in result.stderr
    assert (project / ".env").read_text() == "PGHOST=mine\n"


def secrets_of(project: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (project / "secrets").iterdir()}


def test_container_secrets_are_files_others_cannot_read(project: Path) -> None:
    make_env(project)
    made = secrets_of(project)
    assert set(made) == set(SECRETS)
    assert len(set(made.values())) == len(SECRETS)
    assert all(len(value) >= 32 and value == value.strip() for value in made.values())
    assert made["pgpassword"] == dotenv_values(project / ".env")["PGPASSWORD"]
    assert (project / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (project / "secrets").iterdir()} == {0o444}


def test_secrets_stay_the_same_and_follow_a_changed_password(project: Path) -> None:
    make_env(project)
    before = secrets_of(project)
    make_env(project)
    assert secrets_of(project) == before
    (project / ".env").write_text("PGPASSWORD=mine\n")
    assert ".env has no line for PGHOST, " in make_env(project).stderr
    assert secrets_of(project) == {**before, "pgpassword": "mine"}
    (project / ".env").unlink()
    make_env(project)
    assert dotenv_values(project / ".env")["PGPASSWORD"] == "mine"


def test_a_secret_that_is_missing_is_added_to_the_others(project: Path) -> None:
    make_env(project)
    before = secrets_of(project)
    (project / "secrets" / "waybill_api_key").unlink()
    result = make_env(project)
    assert "secrets: 1 secret written" in result.stdout
    added = secrets_of(project)
    assert {**added, "waybill_api_key": before["waybill_api_key"]} == before
    assert added["waybill_api_key"] != before["waybill_api_key"]


def test_no_secret_is_printed(project: Path) -> None:
    result = make_env(project)
    assert not [value for value in secrets_of(project).values() if value in result.stdout + result.stderr]


def test_the_written_file_means_the_embedded_server(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
