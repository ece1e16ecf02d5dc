"""Holds the current model of each task, and exchanges it while requests run when another one becomes current."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import ml.task
from ml.api.models.problem_log import ProblemLog
from ml.api.models.served import ServedModel
from ml.errors import ArtefactBroken, ModelError, ModelUnreadable
from ml.predict import Model, load_model
from ml.registry.folders import MANIFEST, task_folder
from ml.registry.history import CURRENT, REGISTRY, current_id
from ml.registry.model_bytes import MODEL
from waybill.errors import WaybillError

logger = logging.getLogger(__name__)

SECONDS = 1.0  # between two looks at the registry
AGAIN_SECONDS = 5.0  # after which a refused model is loaded again, because what kept it from being read may have passed

State = tuple[object, ...]  # of what a model is loaded from: another one asks for another loading


class ModelHolder:
    """The current model of each task, or the reason why it is refused.

    A thread looks at the registry about once a second. It loads a model whose id, file, manifest or declaration is new
    while the one in memory still answers, then exchanges the reference; a request ends with the model that it began
    with. A file that no longer verifies is refused, also if it was loaded before; one that cannot be read for the
    moment leaves the model in memory. What is refused is tried again every few seconds.
    """

    def __init__(
        self,
        tasks: Iterable[str],
        *,
        seconds: float = SECONDS,
        before: Callable[[Model], None] = lambda model: None,
    ) -> None:
        """Load the models, and start the thread; `before` is called with each one before it is served."""
        self._before, self._seconds = before, seconds
        self._found: dict[str, ServedModel | ModelError] = {}
        self._states: dict[str, State] = {}
        self._watched = {task: _Watched(task) for task in tasks}
        self._again_at: dict[str, float] = {}  # refused task → when to try again
        self._problems = ProblemLog(logger, "the registry cannot be read, so the last model stays")
        self._ended = threading.Event()
        for task in self._watched:
            self._refresh(task)
        self._thread = threading.Thread(target=self._watch, name="models", daemon=True)
        self._thread.start()

    def get(self, task: str) -> ServedModel:
        """Return the model of a task that is served now; keep it for the whole of a request.

        Raises:
            ModelError: there is none, or it is refused: its file does not verify, or other libraries saved it.
        """
        found = self._found[task]
        if isinstance(found, ModelError):
            raise found.with_traceback(None)
        return found

    def close(self) -> None:
        """End the thread, which may still be loading."""
        self._ended.set()
        self._thread.join(self._seconds)

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            for task in self._watched:
                try:
                    self._refresh(task)
                    self._problems.forget(task)
                except Exception as error:  # the thread must live on
                    self._problems.report(task, error)

    def _refresh(self, task: str) -> None:
        """Load the current model if it is new. What fails because it was replaced meanwhile is tried again."""
        watched = self._watched[task]
        while (state := watched.state()) != self._states.get(task) or self._is_due(task):
            found = _load(task)
            if isinstance(found, ServedModel):
                self._before(found.model)
                is_back = isinstance(self._found.get(task), ModelError)  # which was a warning, so this is one too
                sentence = "a model answers again" if is_back else "a model is served"
                level = logging.WARNING if is_back else logging.INFO
                logger.log(level, "%s: task=%s model=%s", sentence, task, found.model.model_id)
                self._again_at.pop(task, None)
            elif watched.state() != state:
                continue
            else:
                self._refuse(task, found)
            self._found[task], self._states[task] = found, state

    def _is_due(self, task: str) -> bool:
        return task in self._again_at and time.monotonic() >= self._again_at[task]

    def _refuse(self, task: str, error: ModelError) -> None:
        """Log a refusal once; raise the error if the model only cannot be read for the moment, and is in memory."""
        before = self._found.get(task)
        is_in_memory = isinstance(before, ServedModel) and before.model.model_id == self._watched[task].model_id
        if is_in_memory and isinstance(error, ModelUnreadable):
            raise error
        if task in self._states and str(error) != str(before):  # at the start, the caller reports what is refused
            logger.warning("the model is refused: task=%s error=%s", task, error)
        self._again_at[task] = time.monotonic() + AGAIN_SECONDS


def _load(task: str) -> ServedModel | ModelError:
    try:
        return ServedModel(load_model(task, current_id(task)))
    except ModelError as error:
        return error
    except WaybillError:
        raise
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return ModelUnreadable(f"the model of {task} cannot be read now: {reason}; it is tried again")
    except Exception as error:  # whatever unpickling may raise
        return ArtefactBroken(f"the model of {task} cannot be loaded: {type(error).__name__}: {error}; train again")


class _Watched:
    """The files that decide which model is current and whether it can be used; a look at them costs microseconds."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._folder = task_folder(task)
        self._pointers: State | None = None
        self.model_id: str | None = None  # of the current model when `state` was asked last
        self._problem = ""

    def state(self) -> State:
        """Return what changes when another model is current, or its files or the declaration of the task change."""
        pointers = tuple(_stamp_of(self._folder / name) for name in ("", CURRENT, REGISTRY))
        if pointers != self._pointers or self._problem:
            self._read()
            self._pointers = pointers
        folder = self._folder / (self.model_id or "")
        files = (folder / MODEL, folder / MANIFEST, ml.task.TASKS / f"{self._task}.yml")
        return (self.model_id, self._problem, *map(_stamp_of, files))

    def _read(self) -> None:
        try:
            self.model_id, self._problem = current_id(self._task), ""
        except ModelError as error:
            self.model_id, self._problem = None, str(error)


def _stamp_of(path: Path) -> object:
    """Return when and as what a file was last written; None if there is none, or it may not be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode
