"""Keeps trials in `models/<task>/trials.jsonl`: one line each, complete or absent, bound to what it was measured on."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.registry.model_bytes import versions
from ml.searching.ranges import Draw
from ml.task import Task
from waybill.atomic_files import named_in_errors

FILE = "trials.jsonl"
# Other fields of a declaration do not change what a candidate learns, or how it is measured on validation.
BOUND = {"table", "key", "label", "positive_value", "rare_classes", "split", "seed", "categorical", "numeric"}
OTHERS = {
    "training_digest": "of other training rows",
    "task_digest": "of other features, label, split or seed",
    "versions": "of other library versions",
}
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Binding:
    """What a trial depends on besides its parameters: the rows, the declaration without its candidates, libraries."""

    training_digest: str
    task_digest: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Trial:
    """One fit and its figures on validation; `elapsed` is how long the search had worked when it was finished."""

    candidate: str
    parameters: dict[str, Any]
    validation: dict[str, float]
    seconds: float
    has_converged: bool
    elapsed: float

    @property
    def identity(self) -> str:
        """What makes it different from other trials, see `Draw`."""
        return Draw(self.candidate, self.parameters).identity


def bind(task: Task, training_digest: str) -> Binding:
    """Return what today's trials of a task depend on."""
    learnt = json.dumps(task.model_dump(mode="json", include=BOUND), sort_keys=True)
    return Binding(training_digest, hashlib.sha256(learnt.encode()).hexdigest(), versions())


class TrialFile:
    """The trials of a task. A line is written by one call and flushed to disk; one that was cut off is removed."""

    def __init__(self, path: Path, binding: Binding) -> None:
        """Take the file, which need not exist, and what today's trials are bound to."""
        self.path = path
        self._binding = binding

    def read(self) -> tuple[list[Trial], Counter[str]]:
        """Return the trials that are bound to the same things, and how many others there are, by the reason."""
        found: list[Trial] = []
        ignored: Counter[str] = Counter()
        raw = self.path.read_bytes() if self.path.exists() else b""
        for line in raw[: raw.rfind(b"\n") + 1].splitlines():
            try:
                content = json.loads(line)
                bound = content.pop("bound_to")
                others = [why for field, why in OTHERS.items() if bound.get(field) != getattr(self._binding, field)]
                trial = Trial(**content)
            except (ValueError, KeyError, TypeError, AttributeError):
                others, trial = [UNREADABLE], None
            if others:
                ignored[others[0]] += 1
            elif trial is not None:
                found.append(trial)
        return found, ignored

    def append(self, trial: Trial) -> None:
        """Add a trial at the end."""
        line = json.dumps({**asdict(trial), "bound_to": asdict(self._binding)}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with named_in_errors(self.path), self.path.open("ab+") as file:
            file.truncate(_end_of_lines(file))
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())


def _end_of_lines(file: Any) -> int:
    """Return where the last complete line ends."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - 65_536)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return int(start + at + 1)
        end = start
    return 0
