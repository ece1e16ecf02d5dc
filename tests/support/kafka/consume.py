"""Runs the consumer on the sources of a test, in its own process, so that a test can kill or halt it."""

from __future__ import annotations

import sys
from pathlib import Path

import loader.declarations
import streaming.consumer
import streaming.consuming.client
from waybill.cli import run

SESSION_MS = 6_000  # the shortest that a broker accepts
METADATA_MS = 1_000

if __name__ == "__main__":
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv.pop(1))
    streaming.consuming.client.SESSION_MS = SESSION_MS
    streaming.consuming.client.METADATA_MS = METADATA_MS
    if sys.argv[1].isdigit():
        streaming.consuming.client.POLL_RECORDS = int(sys.argv.pop(1))
    run(streaming.consumer.main, "python -m streaming.consumer")
