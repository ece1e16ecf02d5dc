"""Importing a command changes nothing in the process: signal handlers, variables and logging are as before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from waybill.__main__ import SECTIONS
from waybill.sample_commands import is_shipped
from waybill.settings import PROJECT

IMPORT_ALL = """
import importlib, logging, os, signal, sys

def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]
    return handlers, dict(os.environ), list(logging.getLogger().handlers), sys.getswitchinterval(), os.getcwd()

before = state()
for module in sys.argv[1:]:
    importlib.import_module(module)
    assert state() == before, module
"""


@pytest.mark.slow
def test_no_import_changes_the_process() -> None:
    modules = {entry.path.partition(":")[0] for section in SECTIONS.values() for entry in section.values()}
    command = [sys.executable, "-c", IMPORT_ALL, *filter(is_shipped, sorted(modules))]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
