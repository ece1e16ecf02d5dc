"""Ends a command on Ctrl-C with one line and exit code 130, from its first import to its last clean-up.

A command passes three phases:
1. While modules are imported, Ctrl-C ends the process at once: no work has begun.
2. During the work, the first Ctrl-C raises KeyboardInterrupt, so that the work is undone in order.
3. A second Ctrl-C, or one during the clean-up, ends the process at once: files and transactions are complete or absent.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False  # importing `typing` for it takes time in which Ctrl-C would show a traceback
if TYPE_CHECKING:
    from typing import Any, NoReturn

LINE = "interrupted: nothing half-done is left; run the same command again"
EXIT_CODE = 130
NO_LEAK_WARNINGS = "ignore:resource_tracker:UserWarning"  # about dbt's locks after phase 3
FRESH_LINE = "\x1b[?25h\r\x1b[K"  # shows the cursor that a spinner had hidden, and overwrites the terminal's ^C


def exit_on_interrupt() -> None:
    """Enter phase 1. Each command calls this first, before its other imports; importing a module never does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, exit_now)


def raise_interrupts() -> None:
    """Enter phase 2. If SIGINT is ignored (a background job), leave it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _raise_first)
        options = [os.environ.get("PYTHONWARNINGS"), NO_LEAK_WARNINGS]
        os.environ["PYTHONWARNINGS"] = ",".join(filter(None, options))


def finish() -> None:
    """Enter phase 3; exit if an interrupt was received, even if the work has suppressed it."""
    if signal.getsignal(signal.SIGINT) is exit_now:
        exit_now()
    if signal.getsignal(signal.SIGINT) is _raise_first:
        signal.signal(signal.SIGINT, exit_now)


def exit_now(*_: object) -> NoReturn:
    """Write the line and end the process."""
    with suppress(Exception):  # the signal may have interrupted a write
        sys.stdout.flush()
    start = FRESH_LINE if os.isatty(2) else ""
    with suppress(OSError):
        os.write(2, f"{start}{LINE}\n".encode())
    os._exit(EXIT_CODE)


def _raise_first(*_: object) -> NoReturn:
    import logging

    signal.signal(signal.SIGINT, exit_now)
    sys.unraisablehook = _exit_if_lost
    logging.disable()  # some libraries, such as dbt, log where they were interrupted
    raise KeyboardInterrupt


def _exit_if_lost(unraisable: Any) -> None:
    """Exit if the interrupt was raised where Python cannot propagate it, such as in a finaliser."""
    if unraisable.exc_type is KeyboardInterrupt:
        exit_now()
    sys.__unraisablehook__(unraisable)
