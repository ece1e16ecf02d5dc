"""A signal ends a consumer in time, even when it waits for something that does not answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.support.clones import HANDLES_CTRL_C
from waybill.ctrl_c import LINE

HANGING = """
import threading, time
from streaming import consumer
with consumer._stopped_by_signals(threading.Event(), seconds=1):
    print("waiting", flush=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # as if the database did not answer
        time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_consumer_that_hangs_ends_soon_after_a_signal(number: signal.Signals) -> None:
    command = [*HANDLES_CTRL_C, sys.executable, "-c", HANGING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        started = time.monotonic()
        assert process.communicate(timeout=30) == ("", f"{LINE}\n")
        assert time.monotonic() - started < 10
        assert process.returncode > 128
