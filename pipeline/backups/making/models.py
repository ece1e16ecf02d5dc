"""Copies the folders of all models, so that no training, promotion or rollback changes them meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ml.registry.folders import MANIFEST, PARTIAL, PRIVATE, read_model
from ml.registry.history import CURRENT, REGISTRY
from ml.registry.model_bytes import MODEL, file_problem
from pipeline.backups.programs import raise_if_full
from waybill.file_lock import file_lock


def task_folders(models: Path) -> list[Path]:
    """Return the folder of each task that has models, in the order of their names.

    A folder of other folders is none: it holds the models of another database, such as the demo's.
    """
    if not models.is_dir():
        return []
    folders = [path for path in models.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(path for path in folders if _is_of_task(path))


@contextmanager
def unchanged(models: Path) -> Iterator[None]:
    """Let no other command change the models of a task during the block; wait for one that does."""
    with ExitStack() as locks:
        for task in task_folders(models):
            waiting = f"waiting for another command that changes the models of {task.name}"
            locks.enter_context(file_lock(task, waiting))
        yield


def copy_models(models: Path, target: Path) -> dict[str, dict[str, str]]:
    """Copy the models of every task, without those not saved completely.

    Returns task → model → what is wrong with its copy by its manifest, empty if nothing. A broken model is
    copied, too.

    Raises:
        OSError: a file cannot be copied; the disk may be full.
    """
    target.mkdir(PRIVATE)
    found = {}
    for task in task_folders(models):
        copied = target / task.name
        left_out = shutil.ignore_patterns(f"*{PARTIAL}", ".*")
        try:
            shutil.copytree(task, copied, ignore=left_out, ignore_dangling_symlinks=True)
        except shutil.Error as error:  # a list of all that failed
            raise_if_full(str(error), copied)
            raise
        found[task.name] = {path.name: _problem(path) for path in sorted(copied.iterdir()) if path.is_dir()}
    return found


def _is_of_task(folder: Path) -> bool:
    kept = [REGISTRY, CURRENT, f"*/{MODEL}", f"*/{MANIFEST}"]
    return any(True for pattern in kept for _ in folder.glob(pattern))


def _problem(folder: Path) -> str:
    model = read_model(folder)
    return model.problem or file_problem(folder, model.manifest)
