"""Runs a module with the sources of a folder: `python -m tests.support.declared FOLDER loader load orders x.ndjson`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import loader.declarations

if __name__ == "__main__":
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv.pop(1))
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
