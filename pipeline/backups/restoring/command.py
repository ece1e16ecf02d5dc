"""`waybill restore`: restores a backup into an empty warehouse."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from pipeline.backups.folders import find_backup
from pipeline.backups.restoring.erasures import beside
from pipeline.backups.restoring.lost import describe_lost
from pipeline.backups.restoring.restore import Request, Restored, restore_backup
from pipeline.backups.restoring.unpacking import unpacked
from waybill.cli import shown_command
from waybill.settings import get_settings, relative_name
from waybill.text import console, counted

PIPE = "-"
PIPE_EXAMPLE = "gpg -d waybill.tar.gpg | waybill restore - --erasures backups/erasures.jsonl"
Option = Literal["keep", "take"]


@click.command(
    help="Example: waybill restore backups\n\n"
    "Restore a backup into an empty warehouse: its database, models and declarations. DIR is a backup, or a folder of "
    f"backups, of which the newest is taken; or - for a tar archive on standard input: `{PIPE_EXAMPLE}`.\n\n"
    "The whole backup is checked first. What was erased after it was made is erased again, by the file erasures.jsonl "
    "beside it. If a restore is interrupted, the same command completes it, and no other command works until then."
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--erasures", metavar="FILE", type=click.Path(path_type=Path), help="The log of erasures, if it is not beside DIR."
)
@click.option("--no-erasures", "skips_erasures", is_flag=True, help="Erase nothing again, even if there is a log.")
@click.option("--keep-files", "files", flag_value="keep", help="Where declarations differ, use those of this clone.")
@click.option("--take-files", "files", flag_value="take", help="Where declarations differ, use those of the backup.")
def restore(folder: str, erasures: Path | None, skips_erasures: bool, files: Option | None) -> None:
    """Restore, then say what was restored and what is to be read again."""
    if erasures and skips_erasures:
        raise click.UsageError("--erasures names a log and --no-erasures uses none: leave one of them out")
    if folder == PIPE and not erasures and not skips_erasures:
        raise click.UsageError(
            "standard input has no log of erasures beside it: name one with --erasures FILE, or add --no-erasures"
        )
    with _backup(folder) as backup, console(stderr=True).status("restore") as status:
        log = None if skips_erasures else erasures or beside(backup)
        request = Request(
            backup, log, files, _typed(folder, erasures, skips_erasures, files), is_unpacked=folder == PIPE
        )
        result = restore_backup(request, lambda step: status.update(f"restore: {step}"))
    for line in describe(result):
        click.echo(line)
    for line in describe_lost(datetime.fromisoformat(result.manifest.made_at)):
        click.echo(line)
    click.echo(f"next:     {shown_command('run')}")


def _typed(folder: str, erasures: Path | None, skips_erasures: bool, files: Option | None) -> str:
    """Return the command as it was typed, without `waybill`, for those who find the restore interrupted."""
    given = ["restore", folder, *(["--erasures", str(erasures)] if erasures else [])]
    given += ["--no-erasures"] if skips_erasures else []
    return shlex.join([*given, *([f"--{files}-files"] if files else [])])


@contextmanager
def _backup(folder: str) -> Iterator[Path]:
    """Give the folder of the backup, that of an archive only during the block."""
    if folder != PIPE:
        yield find_backup(Path(os.path.abspath(folder)))
        return
    if sys.stdin.isatty():
        raise click.UsageError(f"a backup cannot be typed: send it from a program or a file, `{PIPE_EXAMPLE}`")
    with unpacked(sys.stdin.buffer, get_settings()) as backup:
        yield backup


def describe(result: Restored) -> Iterator[str]:
    """Yield what was restored and compared, a line each."""
    manifest = result.manifest
    made_at = manifest.made_at[:19].replace("T", " ")
    yield f"restored: {relative_name(result.backup)}, made {made_at} UTC of the database {manifest.database.name}"
    yield f"          in {result.seconds:.1f} s into the database {get_settings().pgdatabase}"
    if result.written:
        yield f"files:    {counted(len(result.written), 'file')} written"
    if result.kept:
        kept = counted(len(result.kept), "file")
        yield f"          {kept} kept that differ from those of the backup: {', '.join(result.kept)}"
    yield from (f"equal:    {line}" for line in result.checked)
    yield from (f"erased:   {line}" for line in result.erased)
