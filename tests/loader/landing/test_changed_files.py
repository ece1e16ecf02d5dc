"""A file that changes while it is loaded, or between two loads, loses no document."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import loader.landing.source_load
from loader.errors import FileChanged
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after


def test_a_file_that_shrinks_while_read_loses_nothing(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(2000)) + b"\n")
    land = loader.landing.source_load.land

    def and_shrink(*arguments: Any) -> Any:
        if path.stat().st_size > 20_000:
            os.truncate(path, 20_000)
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_load, "land", and_shrink)
        with pytest.raises(FileChanged, match=r"changed while it was read.*run again"):
            load(Request(("things",)))
    kept = path.read_bytes().split(b"\n")

    load(Request(("things",)))

    assert {f"t{n}" for n in range(len(kept) - 1)} <= landed_ids().keys() <= {f"t{n}" for n in range(2000)}
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]


def test_a_file_that_changes_between_batches_loses_nothing(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(2000)) + b"\n")
    (source / "b.ndjson").write_bytes(document(7000))
    land, size = loader.landing.source_load.land, path.stat().st_size

    def and_grow(*arguments: Any) -> Any:
        if path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(document(5000) + b"\n")
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_load, "land", and_grow)
        with pytest.raises(FileChanged, match=r"changed while it was read.*run again"):
            load(Request(("things",)))
    part = landed_ids()
    assert part["t7000"] == 1
    assert part - Counter(["t7000"]) == Counter(f"t{n}" for n in range(sum(part.values()) - 1))

    load(Request(("things",)))

    assert set(landed_ids()) == {f"t{n}" for n in range(2000)} | {"t5000", "t7000"}
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]


@pytest.mark.parametrize("keeps_time", [False, True])
def test_a_file_rewritten_in_the_same_size_is_changed(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, keeps_time: bool
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(1000, 3000)) + b"\n")
    rewritten = b"\n".join(document(n) for n in range(5000, 7000)) + b"\n"
    land, before = loader.landing.source_load.land, path.stat()
    assert len(rewritten) == before.st_size

    def and_rewrite(*arguments: Any) -> Any:
        with path.open("r+b") as file:  # without a moment at which the file is empty
            file.write(rewritten)
        if keeps_time:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return land(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loader.landing.source_load, "land", and_rewrite)
        with pytest.raises(FileChanged, match=r"changed while it was read.*run again"):
            load(Request(("things",)))
    part = sum(landed_ids().values())
    assert 0 < part < 2000
    assert landed_ids() == Counter(f"t{n}" for n in range(1000, 1000 + part))

    assert load(Request(("things",))).rows == 2000
    assert landed_ids() == Counter(f"t{n}" for n in [*range(1000, 1000 + part), *range(5000, 7000)])


def test_a_file_changed_after_a_killed_load_is_read_as_new(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"".join(document(n) + b"\n" for n in range(200)))
    with monkeypatch.context() as patch:
        kill_load_after(2, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    landed = sum(landed_ids().values())
    assert 0 < landed < 200
    for number in (200, 201):
        with path.open("ab") as file:
            file.write(document(number) + b"\n")
        with caplog.at_level(logging.WARNING):
            assert (load(Request(("things",))).new_files, load(Request(("things",))).new_files) == (1, 0)
    assert caplog.messages == [
        f"{path} was landed up to position {landed} by an earlier run and has changed since; it is read as a new file"
    ]
    assert landed_ids().keys() == {f"t{n}" for n in range(202)}


def test_a_file_touched_while_read_lands(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(500)))
    land = loader.landing.source_load.land

    def and_touch(*arguments: Any) -> Any:
        path.touch()
        return land(*arguments)

    monkeypatch.setattr(loader.landing.source_load, "land", and_touch)
    assert load(Request(("things",))).rows == 500
