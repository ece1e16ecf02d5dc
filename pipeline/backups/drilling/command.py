"""`waybill drill`: restores a backup into a scratch server, compares, says what would be lost, and leaves nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from loader.erasing.secret import read_secret, secret_file
from pipeline.backups.folders import find_backup
from pipeline.backups.restoring.erasures import beside
from pipeline.backups.restoring.lost import describe_lost
from pipeline.backups.restoring.restore import Request, Restored, restore_backup
from warehouse.restoring.scratch import scratch_warehouse
from waybill.atomic_files import write_private
from waybill.settings import get_settings, relative_name
from waybill.text import console, counted

SHOWN = 3


@click.command(
    help="Example: waybill drill backups\n\n"
    "Restore a backup into a scratch server in a temporary folder, compare rows, books, marts and predictions with the "
    "backup, and say what would be lost and how long it took. DIR is a backup, or a folder of backups, of which the "
    "newest is taken.\n\n"
    "The warehouse is not touched, nor are models and declarations; server and folder are removed at the end. Exits "
    "with 0 if the backup can be restored."
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--erasures", metavar="FILE", type=click.Path(path_type=Path), help="The log of erasures, if it is not beside DIR."
)
@click.option("--no-erasures", "skips_erasures", is_flag=True, help="Erase nothing again, even if there is a log.")
def drill(folder: str, erasures: Path | None, skips_erasures: bool) -> None:
    """Try a restore out."""
    if erasures and skips_erasures:
        raise click.UsageError("--erasures names a log and --no-erasures uses none: leave one of them out")
    started = time.monotonic()
    backup = find_backup(Path(os.path.abspath(folder)))
    log = None if skips_erasures else Path(os.path.abspath(erasures)) if erasures else beside(backup)
    with console(stderr=True).status("drill") as status:
        result, lost = restore_in_scratch(Request(backup, log, "leave"), lambda step: status.update(f"drill: {step}"))
    manifest = result.manifest
    made_at = manifest.made_at[:19].replace("T", " ")
    click.echo(f"drill:    {relative_name(backup)}, made {made_at} UTC of the database {manifest.database.name}")
    click.echo(f"          can be restored: it took {result.seconds:.1f} s on a scratch server, which was removed")
    for line in result.checked:
        click.echo(f"equal:    {line}")
    for line in result.erased:
        click.echo(f"erased:   {line}")
    if result.kept:
        more = f" and {len(result.kept) - SHOWN} more" if len(result.kept) > SHOWN else ""
        files = counted(len(result.kept), "declaration differs", "declarations differ")
        click.echo(f"differs:  {files} here from the backup's: {', '.join(result.kept[:SHOWN])}{more}")
    for line in lost:
        click.echo(line)
    click.echo(f"in all:   {time.monotonic() - started:.1f} s")


def restore_in_scratch(request: Request, say: Callable[[str], None]) -> tuple[Restored, list[str]]:
    """Restore into a scratch server; return what was restored and what would be lost."""
    secret = read_secret(get_settings())
    say("starting a scratch server")
    with scratch_warehouse():
        if secret is not None:
            write_private(secret_file(get_settings()), secret.decode())
        result = restore_backup(request, say)
        return result, list(describe_lost(datetime.fromisoformat(result.manifest.made_at)))
