"""Declarations and models of a backup: missing files are written, different ones only if asked for and never lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.backups.restoring import files
from pipeline.backups.restoring.files import (
    compare_models,
    compare_project,
    require_no_other_models,
    write_files,
    write_models,
)
from warehouse.errors import RestoreRefused

SAME, MISSING, CHANGED = "loader/sources/same.yml", "loader/sources/missing.yml", "dbt_project/models/changed.sql"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project in git, with a file of the backup, one that differs from it, and one that it has not."""
    project = tmp_path / "clone"
    monkeypatch.setattr(files, "PROJECT", project)
    write(project, {SAME: "same", CHANGED: "mine", "loader/sources/new.yml": "new"})
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        author = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        subprocess.run(["git", *author, *command], cwd=project, check=True)
    return project


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Make the files of a backup."""
    backup = tmp_path / "backup"
    write(backup / "project", {SAME: "same", CHANGED: "theirs", MISSING: "missing"})
    write(backup / "models", {"returns/current": "1", "returns/1/model.joblib": "model"})
    return backup


def write(folder: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def test_different_declarations_are_refused_by_name(project: Path, backup: Path) -> None:
    with pytest.raises(RestoreRefused) as refused:
        compare_project(backup, None)
    assert str(refused.value) == (
        f"{CHANGED} differs from the backup: add --keep-files to use the files here, or --take-files to use those of the "
        "backup; nothing was changed"
    )


def test_kept_files_stay_and_missing_ones_are_written(project: Path, backup: Path) -> None:
    compared = compare_project(backup, "keep")
    assert write_files(compared, overwrites=False) == [MISSING]
    assert (project / MISSING).read_text() == "missing"
    assert (project / CHANGED).read_text() == "mine"
    assert write_files(compare_project(backup, "keep"), overwrites=False) == []


def test_taken_files_are_those_of_the_backup(project: Path, backup: Path) -> None:
    assert set(write_files(compare_project(backup, "take"), overwrites=True)) == {MISSING, CHANGED}
    assert (project / CHANGED).read_text() == "theirs"
    assert (project / "loader/sources/new.yml").read_text() == "new"


def test_uncommitted_work_is_never_overwritten(project: Path, backup: Path) -> None:
    (project / CHANGED).write_text("not committed")
    with pytest.raises(RestoreRefused, match=f"{CHANGED} is not committed, and git could not bring it back"):
        compare_project(backup, "take")
    assert (project / CHANGED).read_text() == "not committed"


def test_a_link_is_not_followed(project: Path, backup: Path, tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere": "mine"})
    (project / MISSING).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RestoreRefused, match="differ from the backup"):
        compare_project(backup, None)
    with pytest.raises(RestoreRefused, match=f"{MISSING} is not committed"):
        compare_project(backup, "take")
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_models_are_private_and_complete_before_they_count(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    assert write_models(compare_models(backup)) == ["models/returns/1/model.joblib", "models/returns/current"]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "models").rglob("*")}
    assert modes == {"returns": 0o700, "1": 0o700, "model.joblib": 0o600, "current": 0o600}


def test_models_that_are_there_already_stay(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    write(tmp_path / "models", {"returns/1/model.joblib": "model"})
    assert write_models(compare_models(backup)) == ["models/returns/current"]


def test_models_beyond_those_of_the_backup_are_refused(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    write(tmp_path / "models", {"returns/2/model.joblib": "later"})
    with pytest.raises(RestoreRefused, match=r"is not empty: returns/2/model\.joblib is not of this backup"):
        require_no_other_models(compare_models(backup))


def test_what_an_interrupted_restore_made_of_models_is_replaced(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    changed = {"returns/1/model.joblib": "marked", "returns/2/model.joblib": "trained again", "returns/current": "2"}
    write(tmp_path / "models", {**changed, "demo/returns/current": "1"})
    write_models(compare_models(backup))
    assert write_models(compare_models(backup)) == []
    require_no_other_models(compare_models(backup))
    assert sorted(path.name for path in (tmp_path / "models" / "returns").iterdir()) == ["1", "current"]
    assert (tmp_path / "models" / "demo" / "returns" / "current").read_text() == "1"


def test_models_of_another_database_are_left_alone(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    write(tmp_path / "models", {"demo/returns/1/model.joblib": "the demo's", "demo/returns/current": "1"})
    assert write_models(compare_models(backup)) == ["models/returns/1/model.joblib", "models/returns/current"]
