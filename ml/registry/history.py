"""Keeps which model of a task is current, which is its challenger, and who was current when.

`registry.json` holds the history and the challenger; the file `current` holds the id of the current model, for people
and for all readers. A change writes `registry.json` first, from where it counts, then `current`. The next command that
changes something, or scores, completes a change whose process was killed in between (`settle`).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ml.errors import ArtefactBroken
from ml.registry.folders import make_task_folder, read_model, readable_folder, task_folder
from ml.registry.model_bytes import can_be_loaded
from waybill.atomic_files import write_atomic
from waybill.cli import shown_command
from waybill.file_lock import file_lock
from waybill.settings import relative_name
from waybill.text import shown

logger = logging.getLogger(__name__)

REGISTRY, CURRENT = "registry.json", "current"
MODEL_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
FOUND = "found in the file current"  # what an older version, or a person, has made current
PROMOTE, ROLLBACK = "promote", "rollback"


@dataclass(frozen=True)
class Change:
    """A model became the current one, instead of another one, at a time and for a reason."""

    model_id: str
    instead_of: str | None
    at: str
    reason: str


@dataclass(frozen=True)
class History:
    """The changes of a task, the oldest first, the challenger, and all models that lost against a current one.

    The challenger is the loser of the last comparison.
    """

    changes: list[Change] = field(default_factory=list)
    challenger: str | None = None
    lost: list[str] = field(default_factory=list)

    @property
    def current(self) -> str | None:
        """The model that the last change made current."""
        return self.changes[-1].model_id if self.changes else None

    @property
    def before(self) -> str | None:
        """The model to roll back to: a rollback takes back the change before it, so a second one goes further back."""
        stack: list[str] = []
        for change in self.changes:
            if change.reason == ROLLBACK:
                stack[-1:] = []
            if not stack or stack[-1] != change.model_id:
                stack.append(change.model_id)
        return stack[-2] if len(stack) > 1 else None

    def last_current(self, model_id: str) -> str:
        """Return when a model became or ceased to be the current one for the last time; empty if it never was."""
        return max(
            (change.at for change in self.changes if model_id in (change.model_id, change.instead_of)), default=""
        )


@contextmanager
def changing(task: str) -> Iterator[History]:
    """Give the settled history, and let no other command change it during the block.

    Raises:
        ArtefactBroken: the folder of the models cannot be read.
    """
    with file_lock(make_task_folder(task), f"waiting for another command that changes the models of {task}"):
        yield settle(task)


def settled(task: str) -> History:
    """Return the history after a change whose process was killed is complete; `current` names its last model."""
    with changing(task) as history:
        return history


def current_id(task: str) -> str | None:
    """Return the id in the file `current`; if it holds none, that of the history's last change; None without either.

    Raises:
        ArtefactBroken: the folder of the models cannot be read, or `current` holds something else, and no history.
    """
    written = _read_current(task)
    if MODEL_ID.fullmatch(written):
        return written
    model_id = read_history(task).current
    if written and model_id is None:
        path = relative_name(task_folder(task) / CURRENT)
        command = shown_command(f"promote {task} MODEL")
        raise ArtefactBroken(
            f"{path} holds {shown(written[:40])!r}, which is not a model's id: choose one with `{command}`"
        )
    return model_id


def _read_current(task: str) -> str:
    """Return what the file `current` holds; empty if there is none."""
    try:
        return (readable_folder(task) / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def read_history(task: str) -> History:
    """Return the history; an unreadable one is empty, and what is current then begins a new one."""
    try:
        found: dict[str, Any] = json.loads((task_folder(task) / REGISTRY).read_text(encoding="utf-8"))
        return History([Change(**change) for change in found["changes"]], found["challenger"], list(found["lost"]))
    except (OSError, ValueError, TypeError, KeyError):
        return History()


def settle(task: str) -> History:
    """Complete a change whose process was killed, or record a change of the file `current` by other means.

    What is not the id of a model is replaced by the last one of the history.
    """
    history, written = read_history(task), _read_current(task)
    current = written if _is_model(task, written) else None
    if history.current in (written, current):
        return history
    if history.changes and (current is None or current == history.changes[-1].instead_of):
        if current is None and (written or None) != history.changes[-1].instead_of:
            name = relative_name(task_folder(task) / CURRENT)
            logger.warning("%s held no model's id: it names the last current model %s again", name, history.current)
        write_atomic(task_folder(task) / CURRENT, f"{history.current}\n")
        return history
    if current is None:
        return history
    challenger = None if history.challenger == current else history.challenger
    settled = replace(_changed(history, current, FOUND), challenger=challenger)
    _write(task, settled)
    return settled


def _is_model(task: str, written: str) -> bool:
    return MODEL_ID.fullmatch(written) is not None and (task_folder(task) / written).is_dir()


def make_current(task: str, history: History, model_id: str, reason: str) -> None:
    """Make a model the current one; the one before becomes the challenger if it can be loaded. Only within `changing`.

    1. Replace `registry.json`: from here the change counts. 2. Replace `current`.
    """
    challenger = history.challenger
    if history.current not in (None, model_id):
        before = read_model(task_folder(task) / str(history.current))
        challenger = before.model_id if not before.problem and can_be_loaded(before.folder, before.manifest) else None
    changed = replace(_changed(history, model_id, reason), challenger=challenger)
    _write(task, changed)  # 1.
    write_atomic(task_folder(task) / CURRENT, f"{model_id}\n")  # 2.


def make_challenger(task: str, history: History, model_id: str) -> None:
    """Make a model, which has lost against the current one, its challenger. Only within `changing`."""
    _write(task, replace(history, challenger=model_id, lost=[*history.lost, model_id]))


def forget_challenger(task: str, history: History) -> None:
    """Name no challenger any more: its folder is deleted. Only within `changing`."""
    _write(task, replace(history, challenger=None))


def _changed(history: History, model_id: str, reason: str) -> History:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return replace(history, changes=[*history.changes, Change(model_id, history.current, at, reason)])


def _write(task: str, history: History) -> None:
    write_atomic(task_folder(task) / REGISTRY, json.dumps(asdict(history), indent=1) + "\n")
