"""Where a command that changes project files notes that it has begun, so that no other one works on half of a change.

`waybill.cli.run` and the locks of the warehouse look here. A command that was killed is finished by repeating it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waybill.errors import ChangePending
from waybill.file_lock import is_locked
from waybill.project.shown_command import shown_command

STAGED = ".waybill-new"  # in the project's folder, ignored by git
JOURNAL = "journal.json"
COMMAND = "command"
LOCKED = "pipeline"  # a folder that exists, so that no lock file is left

CHANGING = ("new", "adopt", "rename", "remove")  # they wait for each other, and finish what they have begun
ALWAYS = ("down", "psql", "completion")
HELP = {"-h", "--help"}

_own: list[str] = []


def pending_command(project: Path) -> str | None:
    """Return the command that has begun to change files and has not ended; None if there is none."""
    journal = project / STAGED / JOURNAL
    if not os.path.lexists(journal):
        return None
    try:
        command = json.loads(journal.read_text(encoding="utf-8")).get(COMMAND)
    except FileNotFoundError:
        return None
    return command if isinstance(command, str) else None


def interrupted(command: str) -> str:
    """Return the message for other commands, until this one was repeated."""
    return f"`{shown_command(command)}` was interrupted: run it again first"


@contextmanager
def completing(command: str) -> Iterator[None]:
    """Let this process work on what it changes itself."""
    _own.append(command)
    try:
        yield
    finally:
        _own.remove(command)


def require_none_pending(project: Path) -> None:
    """Check that no other command has begun to change files.

    Raises:
        ChangePending: one is at work, or was interrupted.
    """
    command = pending_command(project)
    if command is None or command in _own:
        return
    if is_locked(project / LOCKED):
        raise ChangePending(f"`{shown_command(command)}` is at work: wait for its end, then run this again")
    raise ChangePending(interrupted(command))


def require_startable(project: Path, name: str, arguments: list[str]) -> None:
    """Check that a command may start: `name` is how it is run, `waybill` or a module or the command itself.

    Raises:
        ChangePending: another command has begun to change files.
    """
    first = name if name in CHANGING else next(iter(arguments), "")
    is_changing = first in CHANGING and not name.startswith("python -m")  # these look themselves, when it is their turn
    if not is_changing and first not in ALWAYS and not HELP & set(arguments):
        require_none_pending(project)
