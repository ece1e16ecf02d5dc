"""Finds the models of a task: one folder each under `models/<task>/`. What is unreadable is named and never fatal."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import ArtefactBroken, NoModel
from ml.members import missing_members, unusable_members
from ml.registry.model_bytes import DENIED, LASTING, UNREADABLE
from waybill.cli import shown_command
from waybill.settings import get_settings, relative_name
from waybill.text import shown

MANIFEST = "manifest.json"
PRIVATE = 0o700  # of folders: a model and what it was measured on can say what is in the rows
PARTIAL = ".partial"  # the end of a folder's name while its model is saved


@dataclass(frozen=True)
class FoundModel:
    """A folder of `models/<task>`; `problem` says why it holds no model that can be used, else it is empty.

    A manifest that can be read, but lacks what prediction needs, is given with the problem.
    """

    model_id: str
    folder: Path
    manifest: dict[str, Any]
    problem: str = ""

    @property
    def is_partial(self) -> bool:
        """True if the model was not saved completely."""
        return self.folder.name.endswith(PARTIAL)


def task_folder(task: str) -> Path:
    """Return the folder of a task's models, which may be missing."""
    return get_settings().models_folder / task


def make_task_folder(task: str) -> Path:
    """Make the folder of a task's models, if it is missing, so that only its owner can read it; return it.

    Raises:
        ArtefactBroken: see `readable_folder`.
    """
    folder = readable_folder(task)
    for path in (folder.parent, folder):
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    return folder


def readable_folder(task: str) -> Path:
    """Return the folder of a task's models, which may be missing.

    Raises:
        ArtefactBroken: it is something else than a folder, or this user may not read it.
    """
    folder = task_folder(task)
    try:
        with os.scandir(folder):
            (folder / ".").stat()
    except FileNotFoundError:
        pass
    except PermissionError:
        raise ArtefactBroken(
            f"{relative_name(folder)} {DENIED}; give your user the permission to read and write it"
        ) from None
    except NotADirectoryError:
        raise ArtefactBroken(
            f"{relative_name(folder)} is not a folder, so the models of {task} cannot be read: move it away"
        ) from None
    return folder


def find_models(task: str) -> list[FoundModel]:
    """Return the models of a task, the newest first, and what else lies between them."""
    folder = readable_folder(task)
    folders = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    found = [read_model(path) for path in folders]
    return sorted(found, key=lambda one: (str(one.manifest.get("trained_at", "")), one.model_id), reverse=True)


def usable_models(task: str) -> list[FoundModel]:
    """Return the models of a task with a readable manifest, the newest first."""
    return [model for model in find_models(task) if not model.problem]


def find_model(task: str, beginning: str) -> FoundModel:
    """Return the only model of a task whose id begins so.

    Raises:
        NoModel: there is none or more than one, or its manifest cannot be read.
    """
    models = find_models(task)
    found = [model for model in models if beginning and model.model_id.startswith(beginning)]
    listed = f"`{shown_command(f'models {task}')}` lists them"
    if not found:
        raise NoModel(f"{task} has no model {shown(beginning)!r}: {listed}")
    if len(found) > 1:
        raise NoModel(f"{len(found)} models of {task} begin with {shown(beginning)!r}: give more of the id; {listed}")
    if found[0].problem:
        raise NoModel(f"the model {found[0].model_id} of {task} {found[0].problem}: choose another; {listed}")
    return found[0]


def read_model(folder: Path) -> FoundModel:
    """Return what a folder of `models/<task>` holds."""
    name = folder.name
    if name.endswith(PARTIAL):
        name = name.removeprefix(".").removesuffix(PARTIAL)
        return FoundModel(name, folder, {}, "was not saved completely: its training was ended, or is at work")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except PermissionError:
        return FoundModel(name, folder, {}, DENIED)
    except (*LASTING, ValueError, RecursionError):
        return FoundModel(name, folder, {}, f"has no {MANIFEST} that can be read")
    except OSError as error:
        return FoundModel(name, folder, {}, f"{UNREADABLE}: {error.strerror}")
    if not isinstance(manifest, dict):
        return FoundModel(name, folder, {}, f"has a {MANIFEST} that is not an object")
    if unusable := unusable_members(manifest):
        return FoundModel(name, folder, {}, f"has a {MANIFEST} with values that nobody can use: {', '.join(unusable)}")
    if manifest.get("model_id", name) != name:
        return FoundModel(name, folder, {}, f"has the {MANIFEST} of another model, {shown(manifest['model_id'])}")
    missing = missing_members(manifest)
    problem = f"has a {MANIFEST} that does not say {', '.join(missing)}" if missing else ""
    return FoundModel(name, folder, manifest, problem)
