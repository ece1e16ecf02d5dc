"""Renames a source in the project and in the warehouse, together.

1. All new texts are written beside the project's files, with a journal that names this command.
2. One transaction renames everything in the warehouse.
3. The files are moved to their new paths.

If the command is killed after 1, other commands ask to run it again, and it finishes. Before, nothing is changed. A
second command that changes files waits for its end.
"""

from __future__ import annotations

import click

from loader.declarations import read_source, source_names
from pipeline.errors import ModellingRefused
from pipeline.modelling.printing import titled_lines
from pipeline.modelling.removing.owned_files import OwnedFiles
from pipeline.modelling.renaming.files import FileChange, file_change
from pipeline.modelling.renaming.names import Renaming
from pipeline.modelling.renaming.tables import renamed_tables, require_free_tables
from pipeline.modelling.source_names import check_source_name
from pipeline.modelling.staged_files import Also, change_files, change_lock, resume_change
from waybill.settings import PROJECT
from waybill.text import counted


def rename_source(old: str, new: str, *, dry_run: bool) -> None:
    """Rename a source, or print what would be renamed.

    Raises:
        SourceUnknown: there is no such source.
        ModellingRefused: the new name is not possible or taken, or a file needs a person's judgement.
        RunInProgress: another command works on the warehouse.
    """
    with change_lock(PROJECT):
        owned = OwnedFiles(PROJECT, old)
        renaming = Renaming.of(owned, new)
        also = Also(f"rename {old} {new}", lambda: renamed_tables(renaming))
        finished = resume_change(PROJECT, also, is_dry_run=dry_run)
        if finished is None:
            _rename(owned, renaming, None if dry_run else also)
        else:
            click.echo(f"finished what an interrupted run began: {counted(len(finished), 'file')} of {new}")


def _rename(owned: OwnedFiles, renaming: Renaming, also: Also | None) -> None:
    """Rename a source; without `also`, only print what would be renamed."""
    _check_names(renaming.old, renaming.new)
    change = file_change(PROJECT, owned, renaming)
    require_free_tables(renaming)
    if also:
        change_files(PROJECT, added=change.added, replaced=change.replaced, removed=change.removed, also=also)
    _print(change, renaming, dry_run=also is None)


def _check_names(old: str, new: str) -> None:
    read_source(old)
    check_source_name(new)
    if new in source_names():
        raise ModellingRefused(f"source {new} exists: choose another name for {old}; nothing was changed")


def _print(change: FileChange, renaming: Renaming, *, dry_run: bool) -> None:
    verb = "Would rename" if dry_run else "Renamed"
    tables = [f"raw.{renaming.old} -> raw.{renaming.new}", *(f"{a} -> {b}" for a, b in renaming.models.items())]
    moved = [f"{old} -> {renaming.path(old)}" for old in change.removed]
    changed, replaced = "Would change" if dry_run else "Changed", len(change.replaced)
    titled = [
        *titled_lines(f"{verb} {counted(len(moved), 'file')}", moved),
        *(titled_lines(f"{changed} {counted(replaced, 'file')}", change.replaced) if replaced else ()),
        *titled_lines(f"{verb} {counted(len(tables), 'table or model', 'tables and models')}", tables),
    ]
    for line in titled:
        click.echo(line)
