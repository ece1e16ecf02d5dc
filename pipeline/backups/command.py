"""`waybill backup`: makes a backup in a folder or a pipe, or checks one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline.backups.errors import BackupBroken, BackupError
from pipeline.backups.folders import DATABASE, ERASURES, MODELS, PROJECT_FILES, find_backup, find_backups, is_backup
from pipeline.backups.known import forget_gone
from pipeline.backups.making.backup import Made, Say, back_up, stream_backup
from pipeline.backups.making.destination import pipe_log_folder
from pipeline.backups.manifest import Manifest
from pipeline.backups.verifying import verify_backup
from waybill.cli import shown_command
from waybill.settings import get_settings, relative_name
from waybill.text import console, counted, shown

PIPE = "-"
EXAMPLE = "backups --keep 7"
PIPE_EXAMPLE = "backup - | gpg -e -r ops > waybill.tar.gpg"


@click.command(
    help=f"Example: waybill backup {EXAMPLE}\n\n"
    "Back up the warehouse, its models and the project's declarations to a new folder in DIR, or to standard output "
    f"as a tar archive if DIR is -: `waybill {PIPE_EXAMPLE}`.\n\n"
    "All of it is as of one moment; `waybill load` and `waybill consume` can continue meanwhile. A run, a dbt command, "
    "an undo, an erasure or a restore excludes it. A backup holds the rows, and no password or other secret."
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--keep", metavar="N", type=click.IntRange(min=1), help="Delete all but the N newest backups in DIR afterwards."
)
@click.option("--wait", "waits", is_flag=True, help="Wait for the end of a run, stage, undo, erasure or backup.")
@click.option("--verify", "verifies", is_flag=True, help="Make no backup: check every file of the backups in DIR.")
@click.option(
    "--forget", "forgets", is_flag=True, help="Make no backup: forget the backup DIR, or all in DIR, deleted before."
)
def backup(folder: str, keep: int | None, waits: bool, verifies: bool, forgets: bool) -> None:
    """Make a backup, check those that exist, or forget one that does not."""
    if forgets:
        if keep or waits or verifies or folder == PIPE:
            raise click.UsageError("--forget names what was deleted: leave out --keep, --wait, --verify and -")
        forget_gone(folder)
        click.echo(f"forgotten: {folder}")
        return
    if verifies:
        if keep or waits or folder == PIPE:
            raise click.UsageError("--verify checks the backups in a folder: leave out --keep, --wait and -")
        _verify(Path(folder))
        return
    if folder == PIPE:
        if keep:
            raise click.UsageError("--keep deletes older backups in a folder: leave it out for a pipe")
        _stream(waits)
        return
    with _steps("backup") as say:
        made = back_up(Path(folder), keep=keep, waits=waits, say=say)
    for line in _describe(made):
        click.echo(line)


def _stream(waits: bool) -> None:
    if os.isatty(1):
        raise click.UsageError(f"a terminal cannot show a backup: send it to a program or a file, `{PIPE_EXAMPLE}`")
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as output, _steps("backup") as say:
        made = stream_backup(output, waits=waits, say=say)
    for line in _describe(made):
        click.echo(line, err=True)


def _describe(made: Made) -> list[str]:
    manifest = made.manifest
    where = relative_name(made.folder) if made.folder else f"standard output, {made.name}"
    counts = {
        DATABASE: counted(sum(manifest.contents.rows.values()), "row"),
        MODELS: counted(sum(len(found) for found in manifest.models.values()), "model"),
        PROJECT_FILES: counted(sum(name.startswith(f"{PROJECT_FILES}/") for name in manifest.files), "project file"),
    }
    parts = ", ".join(f"{count} ({_size(manifest, part)})" for part, count in counts.items())
    as_of = f"as of {manifest.made_at[:19].replace('T', ' ')} UTC"
    lines = [f"backup: {where}", f"        {_size(manifest)} in {made.seconds:.1f} s, {as_of}: {parts}"]
    for task, found in manifest.models.items():
        lines += [f"warning: the model {name} of {task} {problem}" for name, problem in found.items() if problem]
    lines += [f"warning: {problem}" for problem in made.outdated_logs]
    lines += [f"deleted: {relative_name(old)}" for old in made.deleted]
    if made.folder:
        lines.append(f"check:   {shown_command(f'backup --verify {relative_name(made.folder)}')}")
    else:
        log = relative_name(pipe_log_folder(get_settings()) / ERASURES)
        lines.append(f"keep:    a copy of {log} with it, after each erasure: a restore needs it")
    return lines


def _verify(folder: Path) -> None:
    """Check all backups in a folder, or the one that is named; report each.

    Raises:
        BackupError: at least one is broken, or there is none.
    """
    found = [folder] if is_backup(folder) else find_backups(find_backup(folder).parent)
    broken: BackupError | None = None
    for one in found:
        try:
            with _steps(f"checking {one.name}"):
                manifest = verify_backup(one)
        except BackupBroken as error:
            if len(found) > 1:
                click.echo(f"broken: {one.name}: {error}")
            broken = broken or error
        else:
            click.echo(f"whole:  {one.name}: {counted(len(manifest.files), 'file')}, {_size(manifest)}")
    if broken:
        raise broken


@contextmanager
def _steps(work: str) -> Iterator[Say]:
    """Show on a terminal what is at work; give a function that adds the step it is at."""
    terminal = console(stderr=True)
    if not terminal.is_terminal:
        yield lambda step: None
        return
    with terminal.status(shown(work)) as status:
        yield lambda step: status.update(shown(f"{work}: {step}"))


def _size(manifest: Manifest, part: str = "") -> str:
    size = sum(file.size for name, file in manifest.files.items() if name.startswith(part))
    return f"{size / 1e6:,.1f} MB"
