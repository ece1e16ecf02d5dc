"""Processes that burn CPU time or hold memory, for tests that measure them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

BURN = "import time\nwhile time.process_time() < {}: pass"


def burn(seconds: float) -> None:
    """Use this much CPU time in this process."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@contextmanager
def waiting(work: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """Run a child process that does its work at once and lives until the block ends."""
    command = [sys.executable, "-c", f"{work}; print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.communicate(b"\n")
