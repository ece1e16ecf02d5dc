"""Which files git could not bring back after they were deleted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def uncommitted(project: Path, names: Iterable[str]) -> list[str] | None:
    """Return the existing files that are not committed: unknown to git, ignored, or changed.

    None if there is no git, or the project is not in a repository.
    """
    command = ["git", "--literal-pathspecs", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored"]
    try:
        ran = subprocess.run(
            [*command, "--no-renames", "--", *names],
            cwd=project,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        top = subprocess.run(
            ["git", "rev-parse", "--show-prefix"], cwd=project, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    if ran.returncode or top.returncode:
        return None
    prefix = top.stdout.strip()
    found = sorted(entry[3:].removeprefix(prefix) for entry in ran.stdout.split("\0") if entry)
    return [name for name in found if os.path.lexists(project / name)]
