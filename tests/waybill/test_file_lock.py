"""A lock on a file or a folder: one process at a time, released by a killed one."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from waybill.file_lock import file_lock
from waybill.settings import PROJECT

HOLD = """
import sys, time
from pathlib import Path
from waybill.file_lock import file_lock
with file_lock(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("name", [".", "new/lock"])
def test_one_process_holds_the_lock_until_it_is_killed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert holder.stdout
    assert holder.stdout.readline() == "holds\n"
    got = threading.Event()

    def take() -> None:
        with file_lock(path):
            got.set()

    waiting = threading.Thread(target=take)
    waiting.start()
    assert not got.wait(0.3)
    holder.kill()
    holder.communicate()
    assert got.wait(30)
    waiting.join()
