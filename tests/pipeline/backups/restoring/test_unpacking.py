"""An archive is unpacked into one private folder, whichever Python 3.11 is installed, and nothing of it elsewhere."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pipeline.backups.archive import write_archive
from pipeline.backups.errors import BackupBroken
from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.unpacking import unpacked
from pipeline.backups.verifying import verify_backup
from waybill.settings import get_settings

NAME = "20261130T091920Z-22bc06d4"


def packed(member: tarfile.TarInfo) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(member, io.BytesIO(b"x" * member.size))
    archive.seek(0)
    return archive


def file_named(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 1
    return member


def link_named(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc"
    return member


def test_no_method_of_a_newer_python_is_needed(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = back_up(folder).folder
    assert made is not None
    archive = io.BytesIO()
    write_archive(made, made.name, archive)
    archive.seek(0)
    monkeypatch.delattr(tarfile.TarFile, "extract")  # it has a filter only from Python 3.11.4 on
    with unpacked(archive, get_settings()) as found:
        assert verify_backup(found) == verify_backup(made)


@pytest.mark.parametrize(
    "member",
    [
        file_named(f"{NAME}/../../outside"),
        file_named("../outside"),
        file_named("/outside"),
        file_named(NAME),
        link_named(f"{NAME}/database"),
    ],
    ids=lambda member: member.name,
)
def test_nothing_is_written_elsewhere(member: tarfile.TarInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    with pytest.raises(BackupBroken, match="is not a backup"), unpacked(packed(member), get_settings()):
        pass
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["restoring.lock"]
