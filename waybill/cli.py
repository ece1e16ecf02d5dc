"""Runs every command: settings, logging, Ctrl-C, and a one-line message instead of a traceback for a user's mistake."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import click

from waybill import ctrl_c
from waybill.errors import WaybillError

ADVICE = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some of your quota and run the same command again",
    errno.EROFS: "work in a clone that you can write to",
    errno.EACCES: "make your own clone, or work as the user that owns this one",
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
        is_here = script.parents[2] == Path.cwd()
        program = shlex.quote(os.fspath(script.relative_to(Path.cwd()) if is_here else script))
    else:  # an environment that set-up did not make
        program = f"{shlex.quote(sys.executable)} -m waybill"
    chosen = f"PGDATABASE={shlex.quote(own_database)} " if own_database else ""
    return f"{chosen}{program} {arguments}".rstrip()


def run(command: click.Command, name: str) -> NoReturn:
    """Run a click command and exit: 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    try:
        code = _exit_code(command, name)
    finally:
        ctrl_c.finish()
    sys.exit(code)


def _exit_code(command: click.Command, name: str) -> int:
    from waybill.settings import get_settings  # importing it takes half of the time allowed for `waybill --help`

    ctrl_c.raise_interrupts()
    try:
        logging.basicConfig(level=get_settings().waybill_log_level, format=LOG_FORMAT)
        result = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        ctrl_c.exit_now()
    except WaybillError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "fix it and run the same command again")
        path = error.filename or "the file system"
        click.echo(f"error: {path}: {error.strerror or error}; {advice}", err=True)
        return 1
    except Exception as error:
        message = _database_message(error)
        if message is None:
            raise
        click.echo(f"error: {message}", err=True)
        return 1
    return result if isinstance(result, int) else 0


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
    is_full = is_from_driver and isinstance(original, sys.modules["psycopg2"].errors.DiskFull)
    advice = "free some space for its data, then" if is_full else "nothing half-written is left;"
    return f"PostgreSQL stopped the work: {first}; {advice} run it again"
