"""How `waybill` can be typed here, for messages and help texts."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

OWN_DATABASE = "WAYBILL_OWN_DATABASE"  # set by demo and stream, for their own processes: the database they chose


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
        is_here = script.parents[2] == current_folder()
        program = shlex.quote(os.fspath(script.relative_to(script.parents[2]) if is_here else script))
    else:  # an environment that set-up did not make
        program = f"{shlex.quote(sys.executable)} -m waybill"
    chosen = f"PGDATABASE={shlex.quote(own_database)} " if own_database else ""
    return f"{chosen}{program} {arguments}".rstrip()


def current_folder() -> Path | None:
    """Return the current folder, None if it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None
