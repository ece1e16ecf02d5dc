"""Adds a set of files to the project: all of them or none, and never replaces a file without being asked to.

1. The files are written to a hidden folder in the project, on the same file system, and synchronised.
2. A journal with their paths is written there. From here on, they count as added.
3. Each file is moved to its final path; an existing file that must not be replaced is kept.
4. The folder is deleted.

A process that is killed before step 2 has added nothing: the next one deletes the folder. One that is killed later has
added everything: the next one finishes steps 3 and 4.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ModellingRefused
from waybill.atomic_files import write_atomic
from waybill.file_lock import file_lock

STAGED = ".waybill-new"  # in the project's folder, ignored by git
JOURNAL = "journal.json"


@dataclass(frozen=True)
class Comparison:
    """Paths of files by what adding them would do: `new` ones do not exist, `different` ones have another content."""

    new: tuple[str, ...]
    equal: tuple[str, ...]
    different: tuple[str, ...]


def compare(project: Path, files: Mapping[str, str]) -> Comparison:
    """Compare texts with the files of the project."""
    found: dict[str, list[str]] = {"new": [], "equal": [], "different": []}
    for name in sorted(files):
        path = project / name
        if not os.path.lexists(path):
            found["new"].append(name)
        else:
            is_equal = path.is_file() and path.read_bytes() == files[name].encode()
            found["equal" if is_equal else "different"].append(name)
    return Comparison(tuple(found["new"]), tuple(found["equal"]), tuple(found["different"]))


def add_files(project: Path, files: Mapping[str, str], replaced: Mapping[str, str] | None = None) -> None:
    """Add all files to the project and replace those in `replaced`, or do nothing.

    Raises:
        ModellingRefused: a file to add exists.
        OSError: a file cannot be written; none was added.
    """
    with _locked(project):
        _finish(project)
        compared = compare(project, files)
        if existing := (*compared.equal, *compared.different):
            raise ModellingRefused(f"{existing[0]} exists: nothing was written; choose another name for the source")
        replaced = replaced or {}
        _require_writable(project, {**files, **replaced})
        staged = project / STAGED
        try:
            for name, text in {**files, **replaced}.items():  # 1.
                _write(staged / "files" / name, text)
            write_atomic(staged / JOURNAL, json.dumps({"added": sorted(files), "replaced": sorted(replaced)}))  # 2.
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        try:
            _move(project)  # 3. and 4.
        except KeyboardInterrupt:
            _move(project)
            raise


def finish_interrupted(project: Path) -> list[str]:
    """Finish what a killed process has begun to add, and return the paths; empty if there was nothing to finish."""
    if not (project / STAGED).exists():
        return []
    with _locked(project):
        return _finish(project)


@contextmanager
def _locked(project: Path) -> Iterator[None]:
    with file_lock(project / "pipeline"):  # a folder that exists, so that no file is left
        yield


def _finish(project: Path) -> list[str]:
    staged = project / STAGED
    if (staged / JOURNAL).exists():
        return _move(project)
    shutil.rmtree(staged, ignore_errors=True)
    return []


def _move(project: Path) -> list[str]:
    staged = project / STAGED
    if not (staged / JOURNAL).exists():
        return []
    journal: dict[str, list[str]] = json.loads((staged / JOURNAL).read_text(encoding="utf-8"))
    names = [*journal["added"], *journal["replaced"]]
    for name in names:
        source, target = staged / "files" / name, project / name
        if source.exists() and (name in journal["replaced"] or not os.path.lexists(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
    gone = staged.with_name(f"{STAGED}.done")  # a deletion that is interrupted must not look like an addition
    shutil.rmtree(gone, ignore_errors=True)
    staged.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    return names


def _require_writable(project: Path, names: Iterable[str]) -> None:
    """Check that all files can be moved to their folders, so that not only some are.

    Raises:
        OSError: a folder cannot be written to, or is a file.
    """
    for folder in sorted({(project / name).parent for name in names}):
        found = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        code = 0 if os.access(found, os.W_OK | os.X_OK) else errno.EACCES
        code = code if found.is_dir() else errno.ENOTDIR
        if code:
            raise OSError(code, os.strerror(code), os.fspath(found))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
