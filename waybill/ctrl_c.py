"""Ends a command on Ctrl-C, SIGTERM or SIGHUP with one line, from its first import to its last clean-up.

A command passes three phases:
1. While modules are imported, a signal ends the process at once: no work has begun.
2. During the work, the first signal raises KeyboardInterrupt, so that the work is undone in order.
3. A second signal, or one during the clean-up, ends the process at once: files and transactions are complete or absent.

The exit code is 128 plus the number of the signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # importing `typing` for it takes time in which Ctrl-C would show a traceback
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

LINE = "interrupted: nothing half-done is left; run the same command again"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNHANDLED = (signal.SIG_DFL, signal.default_int_handler)
NO_LEAK_WARNINGS = "ignore:resource_tracker:UserWarning"  # about dbt's locks after phase 3
FRESH_LINE = "\x1b[?25h\r\x1b[K"  # shows the cursor that a spinner had hidden, and overwrites the terminal's ^C

_received: list[int] = []
_lines: list[str] = [LINE]


def exit_on_interrupt() -> None:
    """Enter phase 1. Each command calls this first, before its other imports; importing a module never does."""
    for number in SIGNALS:
        if signal.getsignal(number) in UNHANDLED:
            signal.signal(number, exit_now)


def raise_interrupts() -> None:
    """Enter phase 2. A signal that is ignored (Ctrl-C in a background job, SIGHUP under nohup) stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise_first)
    options = [os.environ.get("PYTHONWARNINGS"), NO_LEAK_WARNINGS]
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, options))


@contextmanager
def said_if_interrupted(line: str) -> Iterator[None]:
    """Write another line after an interrupt during the block, which leaves work that a later command completes."""
    _lines.append(line)
    try:
        yield
    finally:
        if not _received:  # else the line stays for the end of the process
            _lines.pop()


def finish() -> None:
    """Enter phase 3; exit if an interrupt was received, even if the work has suppressed it."""
    if _received:
        exit_now()
    for number in SIGNALS:
        if signal.getsignal(number) is _raise_first:
            signal.signal(number, exit_now)


def exit_now(number: int | None = None, *_: object) -> NoReturn:
    """Write the line and end the process."""
    with suppress(Exception):  # the signal may have interrupted a write
        sys.stdout.flush()
    start = FRESH_LINE if os.isatty(2) else ""
    with suppress(OSError):
        os.write(2, f"{start}{_lines[-1]}\n".encode())
    os._exit(128 + (number or (_received or SIGNALS)[0]))


def received_signal() -> str:
    """Return the name of the signal that interrupted the work, for the record of a run."""
    return signal.Signals(_received[0]).name if _received else "a signal"


def _raise_first(number: int, *_: object) -> NoReturn:
    import logging

    _received.append(number)
    for other in SIGNALS:
        if signal.getsignal(other) is _raise_first:
            signal.signal(other, exit_now)
    sys.unraisablehook = _exit_if_lost
    logging.disable()  # some libraries, such as dbt, log where they were interrupted
    raise KeyboardInterrupt


def _exit_if_lost(unraisable: Any) -> None:
    """Exit if the interrupt was raised where Python cannot propagate it, such as in a finaliser."""
    if unraisable.exc_type is KeyboardInterrupt:
        exit_now()
    sys.__unraisablehook__(unraisable)
