"""Saves a model with its manifest, and loads it only if file and library versions are unchanged (P7)."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ml.errors import ArtefactBroken, NoModel, OtherVersions
from waybill.atomic_files import atomic_file, write_atomic
from waybill.cli import shown_command
from waybill.settings import get_settings, relative_name

MODEL, MANIFEST, CURRENT = "model.joblib", "manifest.json", "current"
PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "joblib")


def versions() -> dict[str, str]:
    """Return the Python and library versions that a model depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def save(task: str, pipeline: Any, manifest: dict[str, Any]) -> Path:
    """Save model and manifest in a new folder, then make the model the current one; return the folder.

    1. Write both into a partial folder, 2. rename it, 3. point `current` at it. If the process is killed before 3, the
    previous model stays current.
    """
    import joblib

    folder = get_settings().models_folder / task
    final: Path = folder / manifest["model_id"]
    partial = folder / f".{manifest['model_id']}.partial"
    try:
        partial.mkdir(parents=True)  # 1.
        with atomic_file(partial / MODEL) as file:
            joblib.dump(pipeline, file, compress=3)
        complete = {**manifest, "sha256": _checksum(partial / MODEL)}
        write_atomic(partial / MANIFEST, json.dumps(complete, indent=1))
        partial.rename(final)  # 2.
        write_atomic(folder / CURRENT, manifest["model_id"] + "\n")  # 3.
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


def current_manifest(task: str) -> dict[str, Any] | None:
    """Return the current model's manifest; None when there is no model.

    Raises:
        ArtefactBroken: the manifest is missing or cannot be read.
    """
    folder = get_settings().models_folder / task
    if not (folder / CURRENT).exists():
        return None
    path = folder / (folder / CURRENT).read_text(encoding="utf-8").strip() / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ArtefactBroken(
            f"{relative_name(path)} is missing or cannot be read: remove {relative_name(folder)}, then `make train`"
        ) from None
    return found


def load(task: str) -> tuple[Any, dict[str, Any]]:
    """Return the current model and its manifest.

    Raises:
        NoModel: no model was trained yet.
        ArtefactBroken: the file's SHA-256 differs from the manifest's; the file was not unpickled.
        OtherVersions: Python or a library has another version; the file was not unpickled.
    """
    manifest = current_manifest(task)
    if manifest is None:
        raise NoModel(f"no model for {task}: train one with `make train`")
    path = get_settings().models_folder / task / manifest["model_id"] / MODEL
    raw = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(raw).hexdigest() != manifest["sha256"]:
        raise ArtefactBroken(
            f"{relative_name(path)} is not the file that was saved, so it was not loaded:"
            f" train again with `{shown_command(f'train --task {task} --force')}`"
        )
    different = [
        f"{name} {manifest['versions'].get(name)}"
        for name, found in versions().items()
        if manifest["versions"].get(name) != found
    ]
    if different:
        raise OtherVersions(
            f"{relative_name(path)} was saved with {', '.join(different)}, so it was not loaded:"
            f" train again with `{shown_command(f'train --task {task} --force')}`"
        )
    import io

    import joblib

    return joblib.load(io.BytesIO(raw)), manifest


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
