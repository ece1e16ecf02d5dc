"""`waybill serve` on the tasks of a folder: python -m tests.support.api.process FOLDER [OPTIONS OF waybill serve].

TEST_API_SECONDS, if it is set, is how long a client may take for headers and body.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ml.task
from ml.api import limits, server
from ml.api.command import main
from waybill.cli import run

if __name__ == "__main__":
    ml.task.TASKS = Path(sys.argv.pop(1))
    if seconds := os.environ.get("TEST_API_SECONDS"):
        limits.BODY_SECONDS = server.HEADER_SECONDS = float(seconds)
    run(main, "waybill serve")
