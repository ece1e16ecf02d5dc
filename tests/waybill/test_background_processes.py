"""Processes that outlive their command are found by number and time of creation, and ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from waybill.background_processes import find_running, last_started, remember, stop


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
