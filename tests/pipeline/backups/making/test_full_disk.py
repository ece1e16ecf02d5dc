"""A disk that becomes full while files are copied into a backup is named by the backup's path, in one line."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from ml.registry.history import REGISTRY
from pipeline.backups.making.models import copy_models
from pipeline.backups.project_files import copy_project_files
from waybill import cli


def full(source: Path, target: Path, **_: object) -> None:
    """Fail as `shutil.copyfile` does on Linux: the first name is that of the source."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))


def copy_one_model(backup: Path) -> None:
    models = backup.with_name("models")
    (models / "returns").mkdir(parents=True)
    (models / "returns" / REGISTRY).touch()
    copy_models(models, backup / "models")


@pytest.mark.parametrize("copy", [copy_one_model, copy_project_files])
def test_a_full_disk_is_named_by_the_backup(
    copy: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    monkeypatch.setattr(shutil, "copyfile", full)
    monkeypatch.setattr(sys, "argv", ["backup"])
    command = click.Command("backup", callback=lambda: copy(backup))
    assert cli._exit_code(command, "backup", False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {backup}/")
    assert line.endswith("No space left on device; free some space and run the same command again")
