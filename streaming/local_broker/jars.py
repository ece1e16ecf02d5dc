"""The broker's jars: fetched once by jgo, each checked against the committed lock at every start."""

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

LOCKED = Path(__file__).with_name("jgo")
LOCK = LOCKED / "jgo.lock.toml"

logger = logging.getLogger(__name__)


def jars(folder: Path) -> list[Path]:
    """Return the locked jars below a folder, fetching them when they are not there; two callers at once take turns.

    Raises:
        JarsMissing: they cannot be had, or one is not the one that the lock names.
    """
    wanted = _locked()
    with file_lock(folder / "lock"):
        if not _wrong(folder, wanted):
            return _found(folder)
        logger.warning("fetching the broker's jars jars=%d folder=%s", len(wanted), folder)
        said = _resolve(folder)
        wrong = _wrong(folder, wanted)
    if wrong:
        raise JarsMissing(
            f"{len(wrong)} of the broker's {len(wanted)} jars are missing or not the locked ones, such as {wrong[0]}: "
            f"connect to the network and run again, or set KAFKA_BOOTSTRAP_SERVERS to use a broker of yours ({said})"
        )
    return _found(folder)


def _locked() -> dict[str, str]:
    """Return file name → SHA-256 of every jar in the lock."""
    entries = tomllib.loads(LOCK.read_text())["dependencies"]
    return {f"{entry['artifactId']}-{entry['version']}.jar": entry["sha256"] for entry in entries}


def _found(folder: Path) -> list[Path]:
    return sorted((folder / "resolved").rglob("*.jar"))


def _wrong(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return the names of jars that are missing, have other bytes, or do not belong here."""
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in _found(folder)}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def _resolve(folder: Path) -> str:
    """Have jgo fetch the jars into the folder; return the last line that it said."""
    for name in ("jgo.toml", "jgo.lock.toml"):
        shutil.copyfile(LOCKED / name, folder / name)
    shutil.rmtree(folder / "resolved", ignore_errors=True)
    command = [sys.executable, "-m", "jgo", "--resolver", "python", "--links", "copy", "--timeout", "60"]
    if not os.environ.get("HOME"):
        command += ["--repo-cache", str(folder / "cache")]
    done = subprocess.run(
        [*command, "sync", "--force"], cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1].strip()[:160] if lines and done.returncode else "jgo said nothing of it"
