"""One changed byte anywhere in a backup is found and named; so is a file that is missing or does not belong there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.backups.contents import Contents
from pipeline.backups.errors import BackupBroken, BackupFailed
from pipeline.backups.folders import backup_name, find_backup, find_backups
from pipeline.backups.making.sealing import seal
from pipeline.backups.manifest import Database, Manifest, as_text
from pipeline.backups.verifying import verify_backup
from waybill.identifiers import uuid7

FILES = {
    "database/toc.dat": b"toc",
    "database/1.dat.gz": b"\x1f\x8b",
    "models/a/b/model.joblib": b"",
    "project/x.yml": b"x: 1\n",
}
EMPTY = Manifest(
    backup_id=str(uuid7()),
    warehouse_id=str(uuid7()),
    made_at="2013-01-01T00:00:00+00:00",
    commit="",
    versions={"python": "3.11.7"},
    database=Database("waybill", "UTF8", 18, "18.4", "18.4", ["raw"], {"owner": "waybill"}),
    contents=Contents({"raw.orders": 2}, {}, [], [], 1, None),
    models={"a": {"b": ""}},
    files={},
)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "20130101T000000Z-00000000"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    seal(folder, EMPTY)
    return folder


def problem(backup: Path) -> str:
    with pytest.raises(BackupBroken) as broken:
        verify_backup(backup)
    (line,) = str(broken.value).splitlines()
    return line.replace(f"{backup}/", "")


def test_a_folder_without_a_dump_is_never_complete(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(BackupFailed, match=r"database/toc\.dat has disappeared"):
        seal(tmp_path, EMPTY)
    assert not (tmp_path / "manifest.json").exists()


def test_a_whole_backup_gives_its_manifest(backup: Path) -> None:
    read = list[int]()
    manifest = verify_backup(backup, read.append)
    assert manifest.files.keys() == FILES.keys()
    assert manifest.contents == EMPTY.contents
    assert manifest.size == sum(read) == sum(map(len, FILES.values()))


@pytest.mark.parametrize("name", [name for name, content in FILES.items() if content])
def test_one_flipped_bit_is_found_in_any_file(backup: Path, name: str) -> None:
    content = bytearray((backup / name).read_bytes())
    content[-1] ^= 1
    (backup / name).write_bytes(content)
    assert problem(backup) == f"{name} is not the file that was written: use another backup"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_cut_or_longer_is_found(backup: Path, name: str) -> None:
    (backup / name).write_bytes(FILES[name] + b"\n")
    assert problem(backup) == f"{name} is not the file that was written: use another backup"
    (backup / name).unlink()
    assert problem(backup) == f"{name} is missing: use another backup"


def test_every_flipped_bit_of_the_manifest_is_found(backup: Path) -> None:
    path = backup / "manifest.json"
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        for bit in (1, 32):
            changed = bytearray(whole)
            changed[position] ^= bit
            path.write_bytes(changed)
            if not is_same_json(bytes(changed), whole):
                assert problem(backup).startswith("manifest.json "), (position, bit)


def is_same_json(changed: bytes, whole: bytes) -> bool:
    try:
        return bool(json.loads(changed) == json.loads(whole))
    except ValueError:
        return False


def test_what_does_not_belong_to_the_backup_is_named(backup: Path) -> None:
    (backup / "database" / "9.dat.gz").write_bytes(b"")
    assert problem(backup) == "database/9.dat.gz does not belong to the backup: move it away"
    (backup / "database" / "9.dat.gz").unlink()
    (backup / "database" / "toc.dat").unlink()
    (backup / "database" / "toc.dat").symlink_to("/etc/hostname")
    assert problem(backup).startswith("database/toc.dat is not the file that was written")


def no_manifest(backup: Path) -> None:
    (backup / "manifest.json").unlink()


def another_project(backup: Path) -> None:
    (backup / "manifest.json").write_text('{"name": "a web application", "icons": []}')


def no_json(backup: Path) -> None:
    (backup / "manifest.json").write_bytes(b"\xff\xfe")


def newer_format(backup: Path) -> None:
    (backup / "manifest.json").write_text(as_text(EMPTY).replace('"format": 1', '"format": 2'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_manifest, "is not a whole backup, it has no manifest.json: use another"),
        (another_project, "manifest.json is not the manifest of a backup of Waybill: use another folder"),
        (no_json, "manifest.json is not the JSON that was written: use another backup"),
        (newer_format, "manifest.json was changed since the backup was made: use another backup"),
    ],
    ids=["half", "of another project", "no JSON", "edited"],
)
def test_what_is_not_a_backup_is_said_in_one_line(backup: Path, change: Callable[[Path], None], message: str) -> None:
    change(backup)
    assert problem(backup).endswith(message)


def test_the_newest_complete_backup_is_found(backup: Path, tmp_path: Path) -> None:
    half = tmp_path / "20140101T000000Z-00000000"
    half.mkdir()
    (tmp_path / ".20150101T000000Z-00000000.w.partial").mkdir()
    assert find_backup(tmp_path) == find_backup(backup) == backup
    assert find_backups(tmp_path) == [backup]
    for name, message in ((half, "has no complete backup: `"), (tmp_path / "gone", "is not a folder: name a backup")):
        with pytest.raises(BackupBroken, match=message):
            find_backup(name)


def test_names_are_in_the_order_of_time() -> None:
    from datetime import UTC, datetime, timedelta, timezone

    moment = datetime(2013, 5, 1, 3, 4, 5, tzinfo=UTC)
    assert backup_name(moment, uuid7())[:17] == "20130501T030405Z-"
    assert backup_name(moment.astimezone(timezone(timedelta(hours=5))), uuid7())[:16] == "20130501T030405Z"
