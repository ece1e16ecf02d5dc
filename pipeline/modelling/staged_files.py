"""Changes a set of project files: all of them or none, and never replaces a file without being asked to.

1. The new files are written to a hidden folder in the project, on the same file system, and synchronised.
2. A journal with all paths is written there. From here on, the set counts as changed.
3. Each new file is moved to its final path; an existing file that must not be replaced is kept.
4. The files to remove are deleted, and so are the folders that this leaves empty.
5. The hidden folder is deleted.

A process that is killed before step 2 has changed nothing: the next one deletes the folder. One that is killed later
has changed everything: the next one finishes steps 3 to 5.

Where something else has to change with the files, such as the warehouse, that happens between steps 2 and 3.

The journal names the command. If that is killed after step 2, no other command starts before it was repeated, see
`waybill.project.pending_change`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ModellingRefused
from waybill.atomic_files import write_atomic
from waybill.errors import WaybillError
from waybill.file_lock import file_lock
from waybill.project.pending_change import COMMAND, JOURNAL, LOCKED, STAGED, completing, interrupted, pending_command

COMPILED = "__pycache__"
DONE = "done"  # in the journal: what changes with the files has changed

_held: set[Path] = set()


@dataclass(frozen=True)
class Also:
    """The command that changes files, and what has to change together with them, safe to repeat.

    `work` changes it when it is entered, and keeps others away until it is left. A WaybillError says that it changed
    nothing.
    """

    command: str
    work: Callable[[], AbstractContextManager[None]] = nullcontext


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


@contextmanager
def change_lock(project: Path) -> Iterator[None]:
    """Let only one command at a time change the files; a second one waits, then finds what the first has left."""
    if project in _held:
        yield
        return
    with file_lock(project / LOCKED):
        _held.add(project)
        try:
            yield
        finally:
            _held.remove(project)


def change_files(
    project: Path,
    *,
    added: Mapping[str, str],
    replaced: Mapping[str, str],
    removed: Iterable[str],
    also: Also | None = None,
) -> None:
    """Add, replace and remove files of the project, or do nothing. Files to remove may be gone already.

    Raises:
        ModellingRefused: a file to add exists, or another change was interrupted.
        OSError: a file cannot be written or removed; nothing was changed.
    """
    with change_lock(project):
        _finish(project)
        compared = compare(project, added)
        if existing := (*compared.equal, *compared.different):
            raise ModellingRefused(f"{existing[0]} exists: nothing was written; choose another name, or move it away")
        written = {**added, **replaced}
        journal = {"added": sorted(added), "replaced": sorted(replaced), "removed": sorted(set(removed) - set(written))}
        _require_changeable(project, written, journal["removed"])
        staged = project / STAGED
        try:
            for name, text in written.items():  # 1.
                _write(staged / "files" / name, text, like=project / name)
            _write_journal(staged, journal, also.command if also else None)  # 2.
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        try:
            _complete(project, also or Also(""))
        except WaybillError:  # it says that nothing was changed
            if pending_command(project) and DONE not in _journal(project):
                shutil.rmtree(staged, ignore_errors=True)
            raise


def resume_change(project: Path, also: Also, *, is_dry_run: bool = False) -> list[str] | None:
    """Finish what this command has begun, and return the paths of the files; None if it was not interrupted.

    Raises:
        ModellingRefused: another command was interrupted, or a dry run finds that this one was.
    """
    with change_lock(project):
        command = pending_command(project)
        if command and (is_dry_run or command != also.command):
            raise ModellingRefused(interrupted(command))
        return _complete(project, also) if command else None


def _complete(project: Path, also: Also) -> list[str]:
    work = nullcontext if DONE in _journal(project) else also.work
    with completing(also.command), work():
        try:
            _write_journal(project / STAGED, {**_journal(project), DONE: []}, also.command)
            return _apply(project)  # 3. to 5.
        except KeyboardInterrupt:
            _apply(project)
            raise


def finish_interrupted(project: Path) -> list[str]:
    """Finish what a killed process has begun to change, and return the paths; empty if there was nothing to finish."""
    if not (project / STAGED).exists():
        return []
    with change_lock(project):
        return _finish(project)


def _finish(project: Path) -> list[str]:
    staged = project / STAGED
    if command := pending_command(project):
        raise ModellingRefused(interrupted(command))
    if (staged / JOURNAL).exists():
        return _apply(project)
    shutil.rmtree(staged, ignore_errors=True)
    return []


def _apply(project: Path) -> list[str]:
    staged = project / STAGED
    if not (staged / JOURNAL).exists():
        return []
    journal = _journal(project)
    written, removed = [*journal["added"], *journal["replaced"]], journal.get("removed", [])
    for name in written:
        source, target = staged / "files" / name, project / name
        if source.exists() and (name in journal["replaced"] or not os.path.lexists(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
    for name in removed:
        (project / name).unlink(missing_ok=True)
    for name in removed:
        _remove_empty_folders(project, name)
    gone = staged.with_name(f"{STAGED}.done")  # a deletion that is interrupted must not look like a change
    shutil.rmtree(gone, ignore_errors=True)
    staged.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    return [*written, *removed]


def _journal(project: Path) -> dict[str, list[str]]:
    journal: dict[str, list[str]] = json.loads((project / STAGED / JOURNAL).read_text(encoding="utf-8"))
    return journal


def _write_journal(staged: Path, journal: Mapping[str, list[str]], command: str | None) -> None:
    names = {name: paths for name, paths in journal.items() if name != COMMAND}
    write_atomic(staged / JOURNAL, json.dumps({**names, COMMAND: command} if command else names))


def _remove_empty_folders(project: Path, name: str) -> None:
    """Remove the folders of a removed file, from the innermost to the first that holds more than compiled Python."""
    for folder in (project / name).parents:
        if folder == project or (folder.is_dir() and {path.name for path in folder.iterdir()} - {COMPILED}):
            return
        shutil.rmtree(folder / COMPILED, ignore_errors=True)
        with suppress(FileNotFoundError):
            folder.rmdir()


def _require_changeable(project: Path, written: Iterable[str], removed: Iterable[str]) -> None:
    """Check that all files can be moved to their folders or removed, so that not only some are.

    Raises:
        OSError: a folder cannot be written to or is a file, or a file to remove is a folder.
    """
    for name in removed:
        if (project / name).is_dir() and not (project / name).is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(project / name))
    for folder in sorted({(project / name).parent for name in (*written, *removed)}):
        found = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        code = 0 if os.access(found, os.W_OK | os.X_OK) else errno.EACCES
        code = code if found.is_dir() else errno.ENOTDIR
        if code:
            raise OSError(code, os.strerror(code), os.fspath(found))


def _write(path: Path, text: str, *, like: Path) -> None:
    """Write a file that survives a loss of power, with the permissions of the file that it replaces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if like.exists():
        shutil.copymode(like, path)
