"""Fetches npm packages with the `npm` of this machine and its configuration, each once."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from benchmarks.real_sets.sets import RealSet


def fetch(package: str, folder: Path) -> Path:
    """Return the folder of a package's files; download the package unless it is there."""
    target = folder / package.replace("/", "-").removeprefix("@")
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    packed = subprocess.check_output(["npm", "pack", "--silent", package], cwd=partial, text=True).split()[-1]
    with tarfile.open(partial / packed) as archive:
        archive.extractall(partial, filter="data")
    (partial / packed).unlink()
    partial.rename(target)
    return target


def files_of(wanted: RealSet, folder: Path) -> list[Path]:
    """Return the files of a set in order, or the folder if it is all of a folder's JSON."""
    root = fetch(wanted.package, folder) / "package"
    found = sorted(root.glob(wanted.files))
    if not found:
        raise SystemExit(f"{wanted.package} has no {wanted.files} any more: correct benchmarks/real_sets/sets.py")
    return [found[0].parent] if "*" in wanted.files else found
