"""Ctrl-C: one line and exit code 130 whenever it comes, from a command's first import to its last clean-up.

1. While modules are imported it ends the process at once: nothing was begun. 2. In the work the first one unwinds, as
Python has it. 3. The second, or one in the clean-up, waits for nothing: what is written is whole or not there.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False  # that of `typing` costs time in which nothing is heeded yet
if TYPE_CHECKING:
    from typing import Any, NoReturn

LINE = "interrupted: nothing half-done is left; run the same command again"
EXIT_CODE = 130
NO_LEAKS = "ignore:resource_tracker:UserWarning"  # it sweeps up the locks of dbt's that (3.) leaves, and needs no word
FRESH_LINE = "\x1b[?25h\r\x1b[K"  # with the cursor that a spinner had hidden, in place of it and of ^C


def exit_on_interrupt() -> None:
    """Start phase 1. Each command calls this first, before its other imports; importing a module never does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, exit_now)


def raise_interrupts() -> None:
    """Go on to (2.); in the background, where the shell has it ignored, it stays so."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _first)
        os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), NO_LEAKS]))


def finish() -> None:
    """Leave when one was heard, whatever the work made of it, else go on to (3.)."""
    if signal.getsignal(signal.SIGINT) is exit_now:
        exit_now()
    if signal.getsignal(signal.SIGINT) is _first:
        signal.signal(signal.SIGINT, exit_now)


def exit_now(*_: object) -> NoReturn:
    """Say the line and end the process."""
    with suppress(Exception):  # it may have come in the midst of a write
        sys.stdout.flush()
    start = FRESH_LINE if os.isatty(2) else ""
    with suppress(OSError):
        os.write(2, f"{start}{LINE}\n".encode())
    os._exit(EXIT_CODE)


def _first(*_: object) -> NoReturn:
    import logging

    signal.signal(signal.SIGINT, exit_now)
    sys.unraisablehook = _lost
    logging.disable()  # dbt, for one, would show where it was
    raise KeyboardInterrupt


def _lost(unraisable: Any) -> None:
    """Leave when it was raised where nothing can be unwound, such as in a finaliser."""
    if unraisable.exc_type is KeyboardInterrupt:
        exit_now()
    sys.__unraisablehook__(unraisable)
