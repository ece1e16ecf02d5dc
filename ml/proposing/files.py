"""Adds a declaration to `ml/tasks`; a file that exists is never changed."""

from __future__ import annotations

import os
from pathlib import Path

from ml.errors import ProposalRefused
from waybill.settings import relative_name


def require_new(path: Path, text: str) -> None:
    """Raise ProposalRefused if the file exists; the message names the first line that differs."""
    if not os.path.lexists(path):
        return
    try:
        found = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        found = []
    wanted = text.splitlines()
    number = next((at for at, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), None)
    if number is None and len(found) == len(wanted):
        what = "exists and is equal to the proposal: there is nothing to write"
    else:
        number = min(len(found), len(wanted)) if number is None else number
        old, new = (lines[number].strip() if number < len(lines) else "(nothing)" for lines in (found, wanted))
        what = f"exists and differs from line {number + 1} on (- {old} + {new}): nothing was written"
    raise ProposalRefused(f"{relative_name(path)} {what}; delete it first, or choose another name")


def add_file(path: Path, text: str) -> None:
    """Write a new file completely or not at all.

    1. The text is written to a hidden file beside it.
    2. The hidden file gets the name, unless another process has made a file of this name: that one stays.
    3. The hidden file is deleted, also one that a killed process has left.

    Raises:
        ProposalRefused: the file exists.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:  # 1.
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)  # 2.
        except FileExistsError:
            require_new(path, text)
    finally:
        for left in path.parent.glob(f".{path.name}.*.new"):  # 3.
            left.unlink(missing_ok=True)
