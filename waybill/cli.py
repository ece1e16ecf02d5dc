"""Runs every command: settings, logging, Ctrl-C, and a one-line message instead of a traceback for a user's mistake."""

from __future__ import annotations

import errno
import io
import logging
import math
import os
import sys
import time
import traceback
from typing import Any, NoReturn

import click

from waybill import ctrl_c
from waybill.errors import WaybillError
from waybill.project.shown_command import OWN_DATABASE as OWN_DATABASE
from waybill.project.shown_command import current_folder
from waybill.project.shown_command import shown_command as shown_command
from waybill.text import show_all_output, shown

ADVICE = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some of your quota and run the same command again",
    errno.EROFS: "work in a clone that you can write to",
    errno.EACCES: "make your own clone, or work as the user that owns this one",
}
RAISE_TIMEOUT = (
    "nothing half-written is left; if the server's timeout is too short, raise it (`alter role … set …`), then"
)
POSTGRES_ADVICE = {  # by SQLSTATE
    "53100": "free some space for its data, then",
    "57014": RAISE_TIMEOUT,  # statement_timeout
    "25P04": RAISE_TIMEOUT,  # transaction_timeout
    "25P03": RAISE_TIMEOUT,  # idle_in_transaction_session_timeout
}
TRY_AGAIN = 75  # exit code for what the same command may get past later; EX_TEMPFAIL of sysexits.h
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _ShownFormatter(logging.Formatter):
    """Shows text from outside in a message: a line end in a name must not look like another message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return shown(super().formatMessage(record))


class FiniteRange(click.FloatRange):
    """A number in a range, which is neither infinite nor NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail with a usage error."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return float(number)


def run(command: click.Command, name: str, *, needs_settings: bool = True) -> NoReturn:
    """Run a click command and exit: 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C.

    An error that may pass, such as a server that is away or another run at work, exits with 75 (`TRY_AGAIN`).

    All output is shown as `waybill.text` says, so that nothing from outside can control the terminal.
    """
    show_all_output()
    try:
        code = _exit_code(command, name, needs_settings)
    except OSError:  # the error could not be written
        code = 1
    finally:
        ctrl_c.finish()
    sys.exit(_flushed(code))


def _exit_code(command: click.Command, name: str, needs_settings: bool) -> int:
    ctrl_c.raise_interrupts()
    try:
        if current_folder() is None:
            raise WaybillError("the current folder was deleted or cannot be read: change to another folder")
        if time.time() < 0:
            raise WaybillError(f"the clock says {time.strftime('%Y-%m-%d')}, before 1970: set it and run this again")
        if sys.flags.optimize > 1:
            raise WaybillError("python -OO removes the texts that libraries read of themselves: run it without -OO")
        if needs_settings:
            from waybill.project.pending_change import require_startable
            from waybill.settings import PROJECT, get_settings  # half of the time allowed for `waybill --help`

            _log_to_stderr(get_settings().waybill_log_level)
            require_startable(PROJECT, name, sys.argv[1:])
        result = command.main(prog_name=name, standalone_mode=False, color=True)  # pipes get the same escapes
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        click.echo(usage.getvalue(), err=True, nl=False, color=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        ctrl_c.exit_now()
    except WaybillError as error:
        return _report(str(error), may_pass=error.is_transient)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        return 1
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "fix it and run the same command again")
        full = error.filename2 if error.errno == errno.ENOSPC else None  # where a copy or a rename leads to
        path = os.fsdecode(full or error.filename or "the file system")
        return _report(f"{path}: {error.strerror or error}; {advice}")
    except UnicodeEncodeError as error:
        if not any("\ud800" <= letter <= "\udfff" for letter in str(error.object)):
            raise
        return _report(f"{error.object} is not UTF-8: use a name that is")
    except Exception as error:
        message = _database_message(error)
        if message is None:
            click.echo(traceback.format_exc(), err=True, nl=False, color=True)
            message = f"{type(error).__name__}: this is a fault of Waybill; please report it with the lines above"
        return _report(message, may_pass=_may_pass(error))
    return result if isinstance(result, int) else 0


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_ShownFormatter(LOG_FORMAT))
    logging.basicConfig(level=level, handlers=[handler])


def _report(message: str, *, may_pass: bool = False) -> int:
    """Write an error as one line; return the exit code."""
    click.echo(f"error: {shown(message)}", err=True, color=True)
    return TRY_AGAIN if may_pass else 1


def _may_pass(error: Exception) -> bool:
    """Return True for an error of the database or the broker that may pass."""
    if "psycopg2" not in sys.modules:  # not imported for an error that has nothing to do with it
        return False
    from waybill.backoff import is_transient

    return is_transient(getattr(error, "orig", None) or error)


def _flushed(code: int) -> int:
    """Write what is pending and return the exit code: 1 if it cannot be written, in which case it is discarded."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if code == 0 and not isinstance(error, BrokenPipeError):
                _report(f"{error.filename}: {error.strerror}")
            code = code or 1
    return code


def _database_message(error: Exception) -> str | None:
    """Return one line for an error of the database, None for any other error.

    Looks for the two libraries among the imported modules only: a command that does not use them must not import them.
    """
    psycopg2, sqlalchemy = sys.modules.get("psycopg2"), sys.modules.get("sqlalchemy.exc")
    original = getattr(error, "orig", error)
    is_from_driver = psycopg2 is not None and isinstance(original, psycopg2.Error)
    if not is_from_driver and not (sqlalchemy and isinstance(error, sqlalchemy.DBAPIError)):
        return None
    first = str(original).strip().partition("\n")[0] or type(error).__name__
    advice = POSTGRES_ADVICE.get(getattr(original, "pgcode", None) or "", "nothing half-written is left;")
    return f"PostgreSQL stopped the work: {first}; {advice} run it again"
