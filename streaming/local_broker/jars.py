"""Fetches the broker's jars once with jgo, and checks each against the committed lock file at every start."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from streaming.errors import JarsMissing
from waybill.file_lock import file_lock

LOCK_FOLDER = Path(__file__).with_name("jgo")
LOCK = LOCK_FOLDER / "jgo.lock.toml"

logger = logging.getLogger(__name__)


def fetch_jars(folder: Path) -> list[Path]:
    """Return the locked jars in a folder, fetching them if they are missing; two callers at once take turns.

    Raises:
        JarsMissing: the jars cannot be fetched, or one is not the one that the lock file names.
    """
    expected = _locked_digests()
    with file_lock(folder / "lock"):
        if not _find_wrong(folder, expected):
            return _find_jars(folder)
        logger.warning("fetching the broker's jars jars=%d folder=%s", len(expected), folder)
        output = _resolve(folder)
        wrong = _find_wrong(folder, expected)
    if wrong:
        raise JarsMissing(
            f"{len(wrong)} of the broker's {len(expected)} jars are missing or not the locked ones, such as {wrong[0]}:"
            f" connect to the network and run again, or set KAFKA_BOOTSTRAP_SERVERS to use your own broker ({output})"
        )
    return _find_jars(folder)


def _locked_digests() -> dict[str, str]:
    """Return file name → SHA-256 of every jar in the lock file."""
    entries = tomllib.loads(LOCK.read_text(encoding="utf-8"))["dependencies"]
    return {f"{entry['artifactId']}-{entry['version']}.jar": entry["sha256"] for entry in entries}


def _find_jars(folder: Path) -> list[Path]:
    return sorted((folder / "resolved").rglob("*.jar"))


def _find_wrong(folder: Path, expected: dict[str, str]) -> list[str]:
    """Return the names of jars that are missing, differ from the lock file, or are not in it."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _find_jars(folder)}
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def _resolve(folder: Path) -> str:
    """Fetch the jars into the folder with jgo; return the last line of its output if it failed."""
    for name in ("jgo.toml", "jgo.lock.toml"):
        shutil.copyfile(LOCK_FOLDER / name, folder / name)
    shutil.rmtree(folder / "resolved", ignore_errors=True)
    command = [sys.executable, "-m", "jgo", "--resolver", "python", "--links", "copy", "--timeout", "60"]
    if not os.environ.get("HOME"):
        command += ["--repo-cache", str(folder / "cache")]
    done = subprocess.run(
        [*command, "sync", "--force"], cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1].strip()[:160] if lines and done.returncode else "jgo reported no error"
