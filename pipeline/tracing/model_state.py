"""Says what has become of a model that answered: current, not current any more, stale, or gone."""

from __future__ import annotations

from typing import Any

from ml.checking.checks import read_check
from ml.erasing.marks import describe_marks, is_marked
from ml.errors import ArtefactBroken
from ml.registry.artefact import read_manifest
from ml.registry.folders import task_folder
from ml.registry.history import current_id
from waybill.settings import relative_name


def find_manifest(task: str, model_id: str) -> dict[str, Any] | None:
    """Return the manifest of a model; None if it is gone or cannot be read."""
    try:
        return read_manifest(task, model_id)
    except ArtefactBroken:
        return None


def state_of_model(task: str, model_id: str, manifest: dict[str, Any] | None) -> str:
    """Return whether the model still answers, and what is known of its training rows, as one sentence."""
    try:
        current = current_id(task)
    except ArtefactBroken:
        current = None
    if manifest is None:
        is_there = (task_folder(task) / model_id).exists()
        where = f"is not in {relative_name(task_folder(task))}: it was deleted, or WAYBILL_MODELS names another folder"
        return f"model {model_id} {'cannot be read' if is_there else where}"
    trained = f"trained {manifest['trained_at']}" if "trained_at" in manifest else "trained at an unknown time"
    now = "is the current model" if current == model_id else f"is not the current model any more: {current} is"
    check = read_check(task, model_id)
    marks = f"; it {describe_marks(manifest)}" if is_marked(manifest) else ""
    verdict = check.verdict if check else "its training rows were never checked"
    return f"model {model_id}, {trained}, {now}; {verdict}{marks}"
