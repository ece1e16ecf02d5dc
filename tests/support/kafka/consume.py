"""Runs the consumer in a process of its own, on the sources of a test, so that it can be killed and halted."""

from __future__ import annotations

import sys
from pathlib import Path

import loader.declarations
import streaming.consumer
import streaming.consuming.client
from waybill.cli import run

SESSION_MS = 6_000  # the shortest that a broker takes

if __name__ == "__main__":
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv.pop(1))
    streaming.consuming.client.SESSION_MS = SESSION_MS
    if sys.argv[1].isdigit():
        streaming.consuming.client.POLL_RECORDS = int(sys.argv.pop(1))
    run(streaming.consumer.main, "python -m streaming.consumer")
