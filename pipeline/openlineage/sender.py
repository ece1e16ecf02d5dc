"""Sends events in a background thread, so that a backend that is away or slow does not fail the work.

What they cost a command is limited: the thread's processor time and the time that the command waits at its end. Only
to open the transport is not counted: it costs the same for one event as for thousands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.work_clock import WorkClock
from waybill.text import counted

MAX_WAITING = 1000  # entries of the queue; more are lost
FOR_ENDS = 0.2  # share of the limit that is kept for the ends of works whose START was sent

logger = logging.getLogger(__name__)


class Transport(Protocol):
    """What takes state changes to the backend; it is made and used in the background thread."""

    @property
    def reason(self) -> str | None:
        """Why the last attempt failed, while `send` keeps trying; None if it has not failed."""

    def send(self, change: StateChange) -> None:
        """Build the event and send it, or raise an error."""

    def release(self) -> None:
        """Release what is held between events."""


@dataclass
class Entry:
    """State changes that are sent one after the other, and what to call once at the end: with True if all were sent.

    `unsent` are those that were neither sent nor lost yet.
    """

    changes: Sequence[StateChange]
    then: Callable[[bool], None] | None = None
    unsent: int = field(init=False)
    lost: int = 0
    is_given_up: bool = False

    def __post_init__(self) -> None:
        """Count the changes."""
        self.unsent = len(self.changes)


class Sender:
    """A bounded queue and the thread that empties it. Nothing that is called here waits, except `finish`."""

    def __init__(
        self, open_transport: Callable[[], Transport], seconds: float, used: Callable[[], float] | None = None
    ) -> None:
        """Take what opens the way to the backend; the first entry starts the thread.

        `seconds` limits what the events of this process cost in total; `used` returns how long the thread has worked.
        """
        self._open_transport = open_transport
        self._seconds, self._used = seconds, used or WorkClock()
        self._opened_at = self._used_seconds = self._waited_seconds = 0.0
        self._started: set[UUID] = set()
        self._changed = threading.Condition()
        self._waiting: deque[Entry] = deque()
        self._under_way: Entry | None = None
        self._thread: threading.Thread | None = None
        self.sent = self.lost = 0
        self._transport: Transport | None = None
        self._reason = self._too_late = f"they were not sent within WAYBILL_OPENLINEAGE_SECONDS={seconds:g}"
        self._has_warned = False

    def put(self, *changes: StateChange, then: Callable[[bool], None] | None = None) -> None:
        """Queue state changes; if the queue is full they are lost, and counted."""
        entry = Entry(changes, then)
        with self._changed:
            is_full = len(self._waiting) >= MAX_WAITING
            if is_full:
                self.lost += len(changes)
            else:
                self._waiting.append(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="openlineage", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if is_full:
            self._report(entry, is_sent=False)

    def finish(self) -> None:
        """Wait until all is sent, for at most what is left of the limit; log in one line how many events are lost."""
        if self._thread is None:
            return
        started = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._under_way, max(self._seconds_left(), 0))
            self._waited_seconds += time.monotonic() - started
            given_up = self._give_up()
            reason = (given_up and self._transport and self._transport.reason) or self._reason
            lost, of = self.lost, self.sent + self.lost
            self.sent = self.lost = 0
        for entry in given_up:
            self._report(entry, is_sent=False)
        if lost:
            logger.warning(
                "%s of %s lost, and the work is not affected reason=%s",
                f"{lost:,}",
                "1 OpenLineage event is" if of == 1 else f"{counted(of, 'OpenLineage event')} are",
                reason,
            )

    def _give_up(self) -> list[Entry]:
        """Count what is not sent yet as lost, and return its entries. The lock is held."""
        under_way = [self._under_way] if self._under_way and not self._under_way.is_given_up else []
        given_up = [*under_way, *self._waiting]
        self._waiting.clear()
        for entry in given_up:
            entry.is_given_up = True
            self.lost += entry.unsent
        return given_up

    def _run(self) -> None:
        transport = self._open()
        self._opened_at = self._used()
        while True:
            self._used_seconds = self._used() - self._opened_at
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                entry = self._under_way = self._waiting.popleft()
            for change in entry.changes:
                if not self._count(entry, is_sent=self._send(transport, change)):
                    break
            self._report(entry, is_sent=not entry.lost)
            if transport and not self._waiting:
                self._attempt(transport.release)
            with self._changed:
                self._under_way = None
                self._changed.notify_all()

    def _open(self) -> Transport | None:
        """Return the transport; None if it cannot be opened, and all events are lost."""
        try:
            transport = self._open_transport()
        except Exception as error:
            self._reason = reason_of(error)
            return None
        self._transport = transport
        return transport

    def _send(self, transport: Transport | None, change: StateChange) -> bool:
        """Send one state change, if that is within the limit; return whether it was sent."""
        if transport is None:
            return False
        if not self._may_send(change):
            self._reason = self._too_late
            return False
        try:
            transport.send(change)
        except Exception as error:
            self._reason = reason_of(error)
            return False
        finally:
            self._used_seconds = self._used() - self._opened_at
        if change.state == "START":
            self._started.add(change.begun.work.run_id)
        return True

    def _may_send(self, change: StateChange) -> bool:
        """Return whether the limit allows it. Its last part is only for the end of work whose START was sent."""
        is_end_of_started = change.begun.work.run_id in self._started
        self._started.discard(change.begun.work.run_id)
        return self._seconds_left() > (0 if is_end_of_started else FOR_ENDS * self._seconds)

    def _seconds_left(self) -> float:
        return self._seconds - self._used_seconds - self._waited_seconds

    def _count(self, entry: Entry, *, is_sent: bool) -> bool:
        """Count what became of a state change; return False if `finish` has given it up, and has counted it."""
        with self._changed:
            if entry.is_given_up:
                return False
            entry.unsent -= 1
            entry.lost += not is_sent
            self.sent += is_sent
            self.lost += not is_sent
            return True

    def _report(self, entry: Entry, *, is_sent: bool) -> None:
        """Call once what waits for the outcome of an entry, whichever thread comes first."""
        with self._changed:
            then, entry.then = entry.then, None
        if then:
            self._attempt(lambda: then(is_sent))

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do something whose error must not end the thread; log the first one."""
        try:
            action()
        except Exception as error:
            if not self._has_warned:
                self._has_warned = True
                logger.warning("what became of OpenLineage events cannot be noted error=%s", type(error).__name__)


def reason_of(error: Exception) -> str:
    """Return in a few words why an event could not be sent. Texts of HTTP clients may hold addresses with passwords."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the backend answered {status}"
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ConnectionRefusedError):
            return "the backend refused the connection"
        cause = cause.__cause__ or cause.__context__
    return str(error) if isinstance(error, RuntimeError) else type(error).__name__
