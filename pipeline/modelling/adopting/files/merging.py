"""Applies the difference between two generated texts to a file that was changed: a three-way merge."""

from __future__ import annotations

import difflib
import shutil
import subprocess
from collections.abc import Iterator

from pipeline.modelling.adopting.files.json_merging import merged_json
from waybill.temporary_files import temporary_folder

NO_NEWLINE = "\\ No newline at end of file\n"


def merged(name: str, mine: str, before: str, after: str) -> str | None:
    """Return the text of a file with what differs from `before` to `after`; None if both changed the same lines."""
    if before in (after, mine):
        return mine if before == after else after
    if name.endswith(".json") and (found := merged_json(mine, before, after)) is not None:
        return found
    return _merged_lines(mine, before, after)


def _merged_lines(mine: str, before: str, after: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    with temporary_folder() as folder:
        files = [folder / name for name in ("mine", "before", "after")]
        for file, text in zip(files, (mine, before, after), strict=True):
            file.write_bytes(text.encode())
        ran = subprocess.run([git, "merge-file", "-p", *files], capture_output=True, check=False)
    return ran.stdout.decode() if ran.returncode == 0 else None


def patch(name: str, before: str | None, after: str | None) -> Iterator[str]:
    """Yield the lines of a unified diff that `git apply` takes; None is a file that does not exist."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else f"a/{name}",
        "/dev/null" if after is None else f"b/{name}",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}"


def _lines(text: str | None) -> list[str]:
    """Return the lines of a text as git counts them, each with its line end."""
    parts = (text or "").split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
