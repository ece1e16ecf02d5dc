"""Saves a model with its manifest, and loads it only if file and library versions are unchanged (P7)."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.erasing.marks import refuse_marked
from ml.errors import ArtefactBroken, ModelUnreadable, NoModel, OtherVersions
from ml.registry.deciding import decide
from ml.registry.evaluation import Evaluation, write_evaluation
from ml.registry.folders import MANIFEST, PARTIAL, PRIVATE, read_model, readable_folder, task_folder
from ml.registry.history import changing, current_id
from ml.registry.model_bytes import (
    DENIED,
    EDITED,
    LASTING,
    MODEL,
    NEW_MODEL,
    UNREADABLE,
    checksum,
    different_versions,
    file_problem,
    is_edited,
    sealed,
    write_model,
)
from ml.registry.verdict import Verdict
from waybill.atomic_files import atomic_file, named_in_errors, write_atomic
from waybill.cli import shown_command
from waybill.settings import relative_name


def save(task: str, pipeline: Any, manifest: dict[str, Any], evaluation: Evaluation | None = None) -> Verdict:
    """Save a model in a new folder, with its manifest and what it was measured on, and decide whether it is current.

    1. Write all into a partial folder, 2. rename it, 3. decide: it is compared with the current model. If the process
    is killed before 3, the next training finds the model and decides.
    """
    folder = task_folder(task)
    partial = folder / f".{manifest['model_id']}{PARTIAL}"
    with changing(task), named_in_errors(folder):  # nobody prunes what is half written
        try:
            partial.mkdir(PRIVATE)  # 1.
            with atomic_file(partial / MODEL) as file:
                write_model(pipeline, file)
            if evaluation is not None:
                write_evaluation(evaluation, partial)
            complete = sealed({**manifest, "sha256": checksum(partial / MODEL)})
            write_atomic(partial / MANIFEST, json.dumps(complete, indent=1, allow_nan=False))
            partial.rename(folder / manifest["model_id"])  # 2.
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return decide(task, manifest["model_id"])  # 3.


def current_manifest(task: str) -> dict[str, Any] | None:
    """Return the current model's manifest; None when there is no model.

    Raises:
        ArtefactBroken: the manifest is missing or cannot be read.
    """
    model_id = current_id(task)
    return read_manifest(task, model_id) if model_id else None


def described_models(tasks: list[str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return task → the current model's manifest, also if it cannot predict any more, and task → what is broken."""
    manifests, broken = {}, {}
    for task in tasks:
        try:
            if model_id := current_id(task):
                found = read_model(readable_folder(task) / model_id)
                manifests[task] = found.manifest or read_manifest(task, model_id)
        except ArtefactBroken as error:
            broken[task] = f"{task}: {error}"
    return manifests, broken


def read_manifest(task: str, model_id: str) -> dict[str, Any]:
    """Return the manifest of a model.

    Raises:
        ArtefactBroken: it is missing, cannot be read or is not that of the model.
        ModelUnreadable: it cannot be read for the moment.
    """
    found = read_model(readable_folder(task) / model_id)
    if found.problem == DENIED:
        raise ArtefactBroken(
            f"{relative_name(found.folder)} {DENIED}; give your user the permission to read and write it"
        )
    if found.problem.startswith(UNREADABLE):
        raise ModelUnreadable(f"{relative_name(found.folder)} {found.problem}; try again")
    if found.problem:
        raise ArtefactBroken(f"{relative_name(found.folder)} {found.problem}: {_advice(task, model_id)}")
    return found.manifest


def load(task: str, model_id: str | None = None) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Check a model, by default the current one; return the function that unpickles it, and its manifest.

    Unpickling imports scikit-learn and pandas, which takes seconds, and is not needed where nothing has changed.

    Raises:
        NoModel: no model was trained yet.
        ArtefactBroken: the file's SHA-256 differs from the manifest's, or the manifest was edited; the file was not
            unpickled.
        ModelUnreadable: the file cannot be read for the moment.
        OtherVersions: Python or a library has another version; the file was not unpickled.
        ModelRefused: the model had learnt rows that were erased since, and must not predict.
    """
    manifest = read_manifest(task, model_id) if model_id else current_manifest(task)
    if manifest is None:
        raise NoModel(f"no model for {task}: train one with `{shown_command(f'train --task {task}')}`")
    refuse_marked(manifest, task)
    path = task_folder(task) / manifest["model_id"] / MODEL
    advice = _advice(task, manifest["model_id"])
    found = (_read(one) for one in (path.with_name(NEW_MODEL), path))
    raw = next((one for one in found if one is not None and _sha256(one) == manifest["sha256"]), None)
    if raw is None:
        problem = file_problem(path.parent, manifest) or "was just replaced"
        raise ArtefactBroken(f"{relative_name(path)} {problem}, so it was not loaded: {advice}")
    if different := different_versions(manifest):
        saved_with = ", ".join(f"{name} {then}" for name, (then, _) in different.items())
        raise OtherVersions(f"{relative_name(path)} was saved with {saved_with}, so it was not loaded: {advice}")
    if is_edited(manifest):
        raise ArtefactBroken(f"{relative_name(path)} {EDITED}, so it was not loaded: {advice}")
    return _unpickling(raw), manifest


def _unpickling(raw: bytes) -> Callable[[], Any]:
    """Return the function that unpickles the bytes, once, and gives their memory back."""
    file = io.BytesIO(raw)

    def unpickle() -> Any:
        import joblib

        with file:
            return joblib.load(file)

    return unpickle


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _advice(task: str, model_id: str) -> str:
    """Return what helps: nothing that deletes a model, and for the current one also the way back."""
    train = f"train again with `{shown_command(f'train --task {task} --force')}`"
    if model_id != current_id(task):
        return train
    return f"{train}, or go back to the model before with `{shown_command(f'rollback {task}')}`"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except LASTING:
        return None
    except OSError as error:
        raise ModelUnreadable(f"{relative_name(path)} {UNREADABLE}: {error.strerror}; try again") from None
