"""How every command of the project starts and fails: one line for a user's mistake, never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import click

from waybill import ctrl_c
from waybill.errors import WaybillError
from waybill.settings import PROJECT, get_settings

WAYS_OUT = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some of your quota and run the same command again",
    errno.EROFS: "work in a clone that you can write to",
    errno.EACCES: "work in a clone of your own, or as the user that owns this one",
}
LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def shown_command(arguments: str = "") -> str:
    """Return `waybill ARGUMENTS` as it can be typed in this shell and folder; for messages and help texts.

    It is `waybill` if the PATH leads to this environment's, else the path of its script: relative in the project's
    folder, absolute elsewhere.
    """
    folder = Path(sys.executable).parent
    script = folder / "waybill"
    found = shutil.which("waybill")
    if found and Path(found).parent.resolve() == folder.resolve():
        name = "waybill"
    elif Path.cwd() == PROJECT and script.is_relative_to(PROJECT):
        name = str(script.relative_to(PROJECT))
    else:
        name = str(script)
    return f"{name} {arguments}".rstrip()


def run(command: click.Command, name: str) -> NoReturn:
    """Run a click command and leave: 0 when done, 1 for an error, 2 for wrong usage, 130 for ctrl-C."""
    try:
        code = _outcome(command, name)
    finally:
        ctrl_c.finish()
    sys.exit(code)


def _outcome(command: click.Command, name: str) -> int:
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    ctrl_c.raise_interrupts()
    try:
        logging.basicConfig(level=get_settings().waybill_log_level, format=LOG_LINE)
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
    except (psycopg2.Error, DBAPIError) as error:
        said = getattr(error, "orig", error)
        first = str(said).strip().partition("\n")[0] or type(error).__name__
        way_out = (
            "free some space for its data, then"
            if isinstance(said, psycopg2.errors.DiskFull)
            else "nothing half-written is left,"
        )
        click.echo(f"error: PostgreSQL stopped the work: {first}; {way_out} run it again", err=True)
        return 1
    except OSError as error:
        way_out = WAYS_OUT.get(error.errno or 0, "mend it and run the same command again")
        where = error.filename or "the file system"
        click.echo(f"error: {where}: {error.strerror or error}; {way_out}", err=True)
        return 1
    return result if isinstance(result, int) else 0
