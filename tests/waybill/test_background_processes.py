"""Processes that outlive their command are found by number and time of creation, and ended."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from waybill.background_processes import find_running, last_started, remember, stop, wait_until_ready


def test_a_remembered_process_is_found_and_stopped(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    remember(state, process.pid, port=5050, key="secret")
    found = find_running(state)
    assert found
    assert (found.pid, found.details) == (process.pid, {"port": 5050, "key": "secret"})
    assert state.stat().st_mode & 0o777 == 0o600
    assert stop(state)
    process.wait(10)
    assert find_running(state) is None
    assert last_started(state) == found
    assert not stop(state)


def test_another_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    remember(state, process.pid)
    content = json.loads(state.read_text())
    state.write_text(json.dumps({**content, "created": content["created"] - 100}))
    assert find_running(state) is None
    assert not stop(state)
    assert process.poll() is None
    process.kill()
    process.wait(10)


def test_a_missing_or_broken_state_file_names_no_process(tmp_path: Path) -> None:
    state = tmp_path / "running.json"
    for text in (None, "", "[]", "{}", '{"pid": 1}'):
        if text is not None:
            state.write_text(text)
        assert last_started(state) is None
        assert not stop(state)


@pytest.mark.parametrize(("code", "seconds", "ready_at_look", "expected"), [
    ("import time; time.sleep(600)", 60, 2, True),
    ("import time; time.sleep(600)", 1, 1000, False),
    ("pass", 60, 1000, False),
])  # fmt: skip
def test_a_process_is_waited_for_until_it_is_ready_or_ends(
    code: str, seconds: float, ready_at_look: int, expected: bool
) -> None:
    process = subprocess.Popen([sys.executable, "-c", code])
    looks = itertools.count(1)
    started = time.monotonic()
    assert wait_until_ready(process, lambda: next(looks) == ready_at_look, seconds) is expected
    assert time.monotonic() - started < 30
    process.returncode = None
    process.kill()
    process.wait(10)
