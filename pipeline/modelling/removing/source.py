"""Removes one source: its files, and on request what it has landed and its tables.

1. The warehouse's part comes first, if it is asked for: what has landed is undone, then the tables are dropped.
2. The files follow, all or none.

Both are one change with a journal, see `pipeline.modelling.staged_files`: a command that is killed in between is
finished by the same command, and no other one starts before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

import click

from loader.declarations import read_source
from loader.declared_types import SOURCE_NAME
from pipeline.errors import ModellingRefused
from pipeline.modelling.printing import titled_lines
from pipeline.modelling.removing.asked import Asked
from pipeline.modelling.removing.git_state import uncommitted
from pipeline.modelling.removing.owned_files import OwnedFiles
from pipeline.modelling.removing.references import require_unreferenced
from pipeline.modelling.staged_files import Also, change_files, change_lock, resume_change
from waybill.cli import shown_command
from waybill.settings import PROJECT
from waybill.text import counted

SHOWN = 5


def remove_source(source: str, asked: Asked) -> None:
    """Remove a source as asked, or print what would be removed.

    Raises:
        ModellingRefused: something else uses it, git could not bring a file back, or documents landed meanwhile.
        SourceUnknown: there is no such source.
        NotConfirmed: the user did not confirm it.
    """
    if not SOURCE_NAME.fullmatch(source):
        read_source(source)  # no such source, and no files are looked for by this name
    with change_lock(PROJECT):
        owned = OwnedFiles(PROJECT, source)
        command = f"remove {source} --drop" if asked.drops else f"remove {source}"
        again = Also(command, lambda: _dropped(owned, asked, is_repeated=True))
        finished = resume_change(PROJECT, again, is_dry_run=asked.is_dry_run)
        if finished is None:
            _remove(owned, asked, Also(command, lambda: _dropped(owned, asked)))
        else:
            click.echo(f"finished what an interrupted run began: {counted(len(finished), 'file')} of {source}")


def _remove(owned: OwnedFiles, asked: Asked, also: Also) -> None:
    if not owned.names and not asked.drops:
        read_source(owned.source)
    require_unreferenced(PROJECT, owned.source, owned.names, owned.models)
    require_recoverable(owned.names, asked)
    if asked.drops:
        _confirm_drop(owned, asked)
    _remove_files(owned.names, asked, also)
    if not asked.drops:
        _say_what_stays(owned.source)


def _remove_files(names: list[str], asked: Asked, also: Also) -> None:
    """Remove files of the project, all or none, or print which would be removed."""
    if not asked.is_dry_run:
        change_files(PROJECT, added={}, replaced={}, removed=names, also=also)
    if not names:
        click.echo("no file to remove")
        return
    number = counted(len(names), "file")
    for line in titled_lines(f"Would remove {number}" if asked.is_dry_run else f"Removed {number}", names):
        click.echo(line)


def require_recoverable(names: Iterable[str], asked: Asked) -> None:
    """Check that git could bring all files back, or that the user knows that it could not.

    Raises:
        ModellingRefused: a file is not committed, or there is no git and the user did not say yes.
    """
    names = list(names)
    if asked.is_forced or asked.is_dry_run or not names:
        return
    unsaved = uncommitted(PROJECT, names)
    if unsaved is None:
        _confirm_without_git(names, asked)
    elif unsaved:
        more = f" and {len(unsaved) - SHOWN} more" if len(unsaved) > SHOWN else ""
        raise ModellingRefused(
            f"{', '.join(unsaved[:SHOWN])}{more}: git could not bring back what is not committed; nothing was removed: "
            "commit it, or add --force"
        )


def _confirm_without_git(names: list[str], asked: Asked) -> None:
    if asked.confirmed is not None:
        return
    folders = sorted({str(PurePosixPath(name).parent) for name in names})
    consequence = (
        f"This deletes {counted(len(names), 'file')} in {', '.join(folders)}, and there is no git to bring them"
    )
    if not sys.stdin.isatty():
        raise ModellingRefused(f"{consequence} back. There is no terminal to confirm it at: add --force")
    if not click.confirm(f"{consequence} back. Delete them?"):
        raise ModellingRefused("not confirmed: nothing was removed")


def _confirm_drop(owned: OwnedFiles, asked: Asked) -> None:
    from pipeline.modelling.removing.dropping import confirm_drop

    confirm_drop({owned.source: owned.models}, asked)


@contextmanager
def _dropped(owned: OwnedFiles, asked: Asked, *, is_repeated: bool = False) -> Iterator[None]:
    """Drop the source if that is asked, before its files are removed; what is repeated is confirmed again."""
    from pipeline.modelling.removing.dropping import drop_sources

    if asked.drops:
        if is_repeated:
            _confirm_drop(owned, asked)
        drop_sources({owned.source: owned.models}, asked)
    yield


def _say_what_stays(source: str) -> None:
    again, drop = shown_command(f"new {source} --from-raw"), shown_command(f"remove {source} --drop")
    click.echo(
        f"\nThe warehouse is unchanged: what {source} has landed is not modelled any more. "
        f"`{again}` models it again, `{drop}` removes it."
    )
