"""Runs every command: settings, logging, Ctrl-C, and a one-line message instead of a traceback for a user's mistake."""

from __future__ import annotations

import errno
import io
import logging
import math
import os
import shlex
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from waybill import ctrl_c
from waybill.errors import WaybillError
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
OWN_DATABASE = "WAYBILL_OWN_DATABASE"  # set by demo and stream, for their own processes: the database they chose
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def shown_command(arguments: str = "") -> str:
    """Return `waybill ARGUMENTS` as it can be typed in this shell and folder; for messages and help texts.

    It is `waybill` if the PATH leads to this environment's, else the path of its script: relative in the project's
    folder, absolute elsewhere. In the demo and the stream, which chose their own database, it names that database.
    """
    own_database = os.environ.get(OWN_DATABASE)
    script = Path(sys.prefix, "bin", "waybill")
    found = shutil.which("waybill")
    if found and script.exists() and os.path.samefile(found, script):
        program = "waybill"
    elif script.exists():
        is_here = script.parents[2] == _current_folder()
        program = shlex.quote(os.fspath(script.relative_to(script.parents[2]) if is_here else script))
    else:  # an environment that set-up did not make
        program = f"{shlex.quote(sys.executable)} -m waybill"
    chosen = f"PGDATABASE={shlex.quote(own_database)} " if own_database else ""
    return f"{chosen}{program} {arguments}".rstrip()


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


def _current_folder() -> Path | None:
    """Return the current folder, None if it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None


def run(command: click.Command, name: str, *, needs_settings: bool = True) -> NoReturn:
    """Run a click command and exit: 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C.

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
        if _current_folder() is None:
            raise WaybillError("the current folder was deleted or cannot be read: change to another folder")
        if time.time() < 0:
            raise WaybillError(f"the clock says {time.strftime('%Y-%m-%d')}, before 1970: set it and run this again")
        if sys.flags.optimize > 1:
            raise WaybillError("python -OO removes the texts that libraries read of themselves: run it without -OO")
        if needs_settings:
            from waybill.settings import get_settings  # half of the time allowed for `waybill --help`

            _log_to_stderr(get_settings().waybill_log_level)
        result = command.main(prog_name=name, standalone_mode=False, color=True)  # pipes get the same escapes
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        click.echo(usage.getvalue(), err=True, nl=False, color=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        ctrl_c.exit_now()
    except WaybillError as error:
        return _report(str(error))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        return 1
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "fix it and run the same command again")
        path = os.fsdecode(error.filename or "the file system")
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
        return _report(message)
    return result if isinstance(result, int) else 0


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_ShownFormatter(LOG_FORMAT))
    logging.basicConfig(level=level, handlers=[handler])


def _report(message: str) -> int:
    """Write an error as one line; return the exit code."""
    click.echo(f"error: {shown(message)}", err=True, color=True)
    return 1


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
