"""The seam between the packages that do the work and a listener: it costs nothing as long as nobody listens.

A package announces a piece of work with `observed` and adds what it found out; it imports no listener. A listener never
stops the work: its errors are logged once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from waybill.identifiers import uuid7

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass
class Work:
    """A piece of work: its kind (`stage`, `load`, `train` …), its name, and what is known about it.

    `facts` are those at the start, as JSON can hold them: what was begun is described by them after its process was
    killed. `found` is added until the end.
    """

    kind: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    run_id: UUID = field(default_factory=uuid7)


class Listener(Protocol):
    """What is called at the start and at the end of each piece of work."""

    def started(self, work: Work) -> None:
        """Take note that some work begins, inside the work that is under way."""

    def ended(self, work: Work, error: BaseException | None) -> None:
        """Take note that the work that began last has ended, with the error that stopped it."""

    def environment(self) -> dict[str, str]:
        """Return the variables by which another process knows that it does a part of the work that is under way."""


_listeners: list[Listener] = []  # at most one
_failed: set[str] = set()  # kinds of errors of the listener that were logged


def listen_with(listener: Listener | None) -> None:
    """Announce all work to this listener from now on; to none if it is None."""
    _listeners[:] = [listener] if listener else []


def current_listener() -> Listener | None:
    """Return the listener, if there is one."""
    return _listeners[0] if _listeners else None


@contextmanager
def observed(kind: str, name: str, *, run_id: UUID | None = None, **facts: Any) -> Iterator[Work]:
    """Announce the start of some work before the block, and its end after it; give the work, to add what is found."""
    work = Work(kind, name, facts, run_id=run_id or uuid7())
    listener = current_listener()
    if listener is None:
        yield work
        return
    unharmed(lambda: listener.started(work))
    try:
        yield work
    except BaseException as error:
        stopped_by = error
        unharmed(lambda: listener.ended(work, stopped_by))
        raise
    unharmed(lambda: listener.ended(work, None))


def observed_run(name: str, run_id: UUID) -> AbstractContextManager[Work]:
    """Announce a run that the ledger has recorded, under the id that it has there."""
    return observed("run", name, run_id=run_id, ledger_run=str(run_id))


def observing(kind: str, work: Callable[[str], Result]) -> Callable[[str], Result]:
    """Return the same work on something with a name, announced; what it returns is found as `result`."""

    def announced(name: str) -> Result:
        with observed(kind, name) as announcement:
            result = work(name)
            announcement.found["result"] = result
            return result

    return announced


def unharmed(note: Callable[[], None]) -> None:
    """Call the listener. Its error is logged once for each kind of error, and stops nothing."""
    try:
        note()
    except Exception as error:
        kind = type(error).__name__
        if kind not in _failed:
            _failed.add(kind)
            logger.warning("a listener failed, and the work continues without it error=%s", kind)
