"""Brings back the files of a backup: the declarations of the project and the models.

A file that exists is never overwritten without being asked for, and never if git could not bring it back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from filecmp import cmp
from pathlib import Path
from typing import Literal

from pipeline.backups.folders import MODELS
from pipeline.backups.making.models import task_folders
from pipeline.modelling.removing.git_state import uncommitted
from warehouse.errors import RestoreRefused
from waybill.atomic_files import atomic_file
from waybill.settings import PROJECT, get_settings, relative_name
from waybill.text import shown

Choice = Literal["keep", "take", "leave"]  # leave: nor is a missing one written
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
SHOWN = 3


@dataclass(frozen=True)
class Comparison:
    """The files of a backup's folder, by what is at their path in the target: nothing, the same, or something else.

    `beyond` are files that only the target has. All names are relative to the folders.
    """

    source: Path
    target: Path
    missing: list[str]
    different: list[str]
    beyond: list[str]


def compare(source: Path, target: Path) -> Comparison:
    """Compare all files of a backup's folder with those of another folder; either may be missing."""
    names, found = _files(source), set(_files(target))
    different = [name for name in names if name in found and not cmp(source / name, target / name, shallow=False)]
    missing = [name for name in names if name not in found]
    return Comparison(source, target, missing, different, sorted(found.difference(names)))


def compare_models(backup: Path) -> Comparison:
    """Compare the models of a backup with the models folder; in it, only folders of tasks count."""
    folder = get_settings().models_folder
    found = compare(backup / MODELS, folder)
    tasks = {task.name for task in task_folders(folder)}
    return replace(found, beyond=[name for name in found.beyond if name.partition("/")[0] in tasks])


def require_no_other_models(compared: Comparison) -> None:
    """Check that the models folder holds models of the backup only.

    Raises:
        RestoreRefused: it has a file that the backup has not, or has differently.
    """
    if others := sorted([*compared.different, *compared.beyond]):
        raise RestoreRefused(
            f"{relative_name(compared.target)} is not empty: {_listed(others)} {_is_or_are(others)} not of this "
            "backup; move the folder away, or name another one in WAYBILL_MODELS; nothing was changed"
        )


def write_models(compared: Comparison) -> list[str]:
    """Make the models in the models folder those of the backup; return the files that were written.

    What an interrupted restore has changed there is replaced, and what it has added is deleted.
    """
    for name in compared.beyond:
        (compared.target / name).unlink()
    for folder in {(compared.target / name).parent for name in compared.beyond}:
        with suppress(OSError):  # it has other files
            folder.rmdir()
    return [f"{MODELS}/{name}" for name in write_files(compared, overwrites=True)]


def compare_project(backup: Path, choice: Choice | None) -> Comparison:
    """Compare the declarations of a backup with those of this clone; files that only the clone has do not count.

    Raises:
        RestoreRefused: files differ and the user has not chosen which ones to use, or has chosen those of the backup
            where git could not bring the others back.
    """
    source = backup / "project"
    names = _files(source)
    different = [name for name in names if _differs(source / name, PROJECT / name)]
    missing = [name for name in names if not os.path.lexists(PROJECT / name)]
    if different and choice is None:
        raise RestoreRefused(
            f"{_listed(different)} {'differs' if len(different) == 1 else 'differ'} from the backup: add --keep-files "
            "to use the files here, or --take-files to use those of the backup; nothing was changed"
        )
    if different and choice == "take":
        _require_committed(different)
    return Comparison(source, PROJECT, missing, different, [])


def write_files(compared: Comparison, *, overwrites: bool) -> list[str]:
    """Copy what is missing and, with `overwrites`, what differs; return the names, relative to the target.

    A file is complete or absent. Deeper files come first, so that a model is complete before something names it.
    """
    names = [*compared.missing, *(compared.different if overwrites else [])]
    for name in sorted(names, key=lambda name: (-name.count("/"), name)):
        target = compared.target / name
        _make_folder(target.parent, compared.target)
        with atomic_file(target, mode=None if compared.target == PROJECT else PRIVATE_FILE) as partial:
            shutil.copyfile(compared.source / name, partial)
    return names


def _make_folder(folder: Path, top: Path) -> None:
    mode = 0o777 if top == PROJECT else PRIVATE_FOLDER
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(mode=mode, exist_ok=True)


def _differs(source: Path, target: Path) -> bool:
    if not os.path.lexists(target):
        return False
    return not target.is_file() or not cmp(source, target, shallow=False)


def _require_committed(names: list[str]) -> None:
    unsaved = uncommitted(PROJECT, names)
    if unsaved is None:
        raise RestoreRefused("without git, files that differ from the backup are not overwritten: move them away first")
    if unsaved:
        raise RestoreRefused(
            f"{_listed(unsaved)} {_is_or_are(unsaved)} not committed, and git could not bring it back: commit it, or "
            "move it away; nothing was changed"
        )


def _files(folder: Path) -> list[str]:
    """Return the files below a folder, without hidden partial ones; empty if there is no folder."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names if name != ".gitkeep"]
    return sorted(found)


def _listed(names: Iterable[str]) -> str:
    listed = [shown(name) for name in names]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"{', '.join(listed[:SHOWN])}{more}"


def _is_or_are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
