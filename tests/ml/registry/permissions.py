"""Takes the permission to read a file or folder away, for an administrator too, who may read everything otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def without_permission(path: Path) -> Iterator[None]:
    """Let this process not read the file or folder during the block."""
    mode, user = path.stat().st_mode, os.geteuid()
    path.chmod(0)
    if user == 0:
        reachable = [parent for parent in path.parents if parent.stat().st_uid == 0 and not parent.stat().st_mode & 1]
        modes = {parent: parent.stat().st_mode for parent in reachable}
        for parent in reachable:
            parent.chmod(modes[parent] | 0o755)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)
            for parent, before in modes.items():
                parent.chmod(before)
        path.chmod(mode)
