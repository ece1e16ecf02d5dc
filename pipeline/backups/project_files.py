"""Finds the files of the project that are the user's: declarations, contracts, tasks, suites, dbt models, exports."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from expectations.assets import CONTEXT
from loader.declarations import CONTRACTS, SOURCES
from ml.task import TASKS
from pipeline.backups.folders import PROJECT_FILES
from pipeline.export.export import SCHEMAS
from pipeline.export.shapes import SHAPES
from warehouse.dbt_login import DBT_PROJECT
from waybill.file_lock import file_lock
from waybill.project.file_tags import NO_PROJECT_FILES
from waybill.project.pending_change import LOCKED
from waybill.settings import PROJECT

FOLDERS = (SOURCES, CONTRACTS, TASKS, CONTEXT, DBT_PROJECT, SHAPES, SCHEMAS)


def project_files() -> dict[str, Path]:
    """Return path relative to the project → file, without hidden files, links and what runs make."""
    return {name: PROJECT / name for folder in FOLDERS for name in _names(folder)}


def copy_project_files(backup: Path) -> None:
    """Copy these files into a backup, while no command changes them."""
    with file_lock(PROJECT / LOCKED, "waiting for a command that changes the project's files"):
        for name, file in project_files().items():
            target = backup / PROJECT_FILES / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)


def _names(folder: Path) -> list[str]:
    found = []
    for parent, folders, files in os.walk(folder):
        relative = PurePosixPath(os.path.relpath(parent, PROJECT))
        folders[:] = sorted(name for name in folders if _is_kept(relative / name))
        found += [str(relative / name) for name in sorted(files) if _is_kept(relative / name)]
    return [name for name in found if not (PROJECT / name).is_symlink()]


def _is_kept(path: PurePosixPath) -> bool:
    return not path.name.startswith((".", "__")) and str(path) not in NO_PROJECT_FILES
