"""Runs the consumer in a process of its own, on the sources of a test, so that it can be killed and halted."""

from __future__ import annotations

import sys
from pathlib import Path

import loader.declarations
from streaming.consumer import main
from warehouse.cli import run

if __name__ == "__main__":
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv.pop(1))
    run(main, "python -m streaming.consumer")
