"""The loader's commands: load files, list, export and replay rejects, list drift, show what became of a document."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Callable
from functools import wraps
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loader.declarations import Layout, source_names
from warehouse.outcomes import REJECT_REASONS
from waybill.atomic_files import open_descriptor
from waybill.cli import run
from waybill.json_pointers import POINTER, with_pointer
from waybill.text import counted, shown, shown_bytes

if TYPE_CHECKING:
    from loader.checking.checker import RejectReason
    from loader.file_dates import Days
    from loader.reading.byte_ranges import Reject
    from loader.rejects.export import Exported
    from loader.rejects.replay_positions import OpenReject
    from loader.tallies import LoadResult


@click.group(
    help="Example: python -m loader load cafes data/raw/cafes\n\nLand raw JSON files and account for each document."
)
def loader() -> None:
    """Group the loader's commands."""


def _with_days(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a range of dates to a command, which takes them as `days`."""

    @click.option("--from", "first", metavar="DATE", help="Only files of this day, month or year, or later.")
    @click.option("--to", "last", metavar="DATE", help="Only files of this day, month or year, or earlier.")
    @wraps(command)
    def with_days(first: str | None, last: str | None, **others: Any) -> None:
        from loader.file_dates import asked_days

        command(days=asked_days(first, last), **others)

    return with_days


@loader.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]... [FILES]...")
@click.option(
    "--layout",
    type=click.Choice(["ndjson", "array", "records", "document"]),
    help="How the documents are laid out in the files.",
)
@click.option("--records-at", metavar="POINTER", help="Where the records are in a file of layout records, e.g. /data.")
@click.option("--dry-run", is_flag=True, help="Check every file as if it were new, and write nothing.")
@_with_days
def load(
    names: tuple[str, ...], layout: Layout | None, records_at: str | None, dry_run: bool, days: Days | None
) -> None:
    """Load SOURCE (default: all sources) from FILES, folders or `-`; without FILES, from its files in data/raw.

    Several sources can be named if no FILES are.

    --from and --to choose files by the date in their names, where a pattern of the source captures one, such as
    orders-{date:%Y-%m}.json. A month is chosen if one of its days is in the range. Files without a date are loaded.
    """
    from loader.load import load
    from loader.plan import Request

    def show(name: str, reject: Reject) -> None:
        detail = with_pointer(reject.reason.detail, reject.reason.pointer)
        click.echo(shown(f"would reject {name}:{reject.position} {reject.reason.code}: {detail}"))

    if records_at is not None:
        layout = _layout_of_records(layout, records_at)
    sources, files = _sources_and_files(names)
    result = load(Request(sources, files, layout, dry_run, records_at, days), on_reject=show)
    _show_result(result, dry_run)
    if result.refusal:
        raise result.refusal


def _sources_and_files(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sources among the arguments of a load, which come first, and the files.

    After the first source, what exists as a file or folder is one, whatever its name.

    Raises:
        FileRefused: files follow several sources.
    """
    from loader.errors import FileRefused

    declared = source_names()
    sources = [*names[:1], *takewhile(lambda name: name in declared and not Path(name).exists(), names[1:])]
    files = names[len(sources) :]
    if files and len(sources) > 1:
        raise FileRefused(f"{files[0]} follows {len(sources)} sources: name the files of one source at a time")
    return tuple(sources), files


def _layout_of_records(layout: Layout | None, records_at: str) -> Layout:
    """Return the layout that a pointer to records goes with; refuse any other one, and what is not a pointer."""
    if layout not in (None, "records"):
        raise click.UsageError(f"--records-at goes with --layout records, not with {layout}")
    if not POINTER.fullmatch(records_at):
        raise click.BadParameter(
            f"{records_at!r} is not a JSON pointer, such as /data/items", param_hint="--records-at"
        )
    return "records"


def _show_result(result: LoadResult, dry_run: bool) -> None:
    for name in result.left_alone.not_in_range if dry_run else []:
        click.echo(shown(f"not in range {name}"))
    for name, tally in result.tallies.items():
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(tally.reasons.items()))
        click.echo(
            f"{name:<12} read {tally.read:>9,} = landed {tally.landed:>9,} + rejected {tally.rejected:>5,}"
            f" + skipped {tally.skipped:>6,}{f'   ({reasons})' if reasons else ''}"
        )
    click.echo(shown(result.dry_summary if dry_run else result.summary))


@loader.command()
@click.argument("source", required=False)
@click.option("--reason", type=click.Choice(REJECT_REASONS), help="Only the rejects with this reason.")
@click.option(
    "--export",
    "export",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the rejects' bytes to this file, to be loaded again; `-` is standard output.",
)
def rejects(source: str | None, reason: str | None, export: Path | None) -> None:
    """List the rejects with coordinate, reason and beginning, or export their bytes.

    An export has one reject per line. A reject that contains a line end is written to a separate file in the folder
    FILE.documents; load that folder with `--layout document`. If the ledger kept only the beginning of a reject, its
    bytes are read again from its file and written to that folder, too. Such a reject is left out if its file is gone
    or has changed, or if it was a message.
    """
    from loader.known_sources import require_known
    from loader.rejects.export import export_rejects
    from loader.rejects.listing import list_rejects

    rows = list_rejects(source, reason)
    if export:
        path = Path("/dev/stdout") if export == Path("-") else export
        described = _describe_export(export_rejects(rows, path), export)
        click.echo(shown(described), err=open_descriptor(path) == 1)
        return
    count = 0
    for row in rows:
        count += 1
        click.echo(shown(f"{row.name}:{row.position}  {row.reason}: {with_pointer(row.detail, row.pointer)}"))
        click.echo(f"    {shown_bytes(row.beginning[:100])}")
    if source is not None and not count:
        require_known(source)  # a mistyped name must not look like a source without rejects
    click.echo(counted(count, "reject"))


def _describe_export(exported: Exported, path: Path) -> str:
    parts = [f"{counted(exported.lines, 'reject')} written to {path}"]
    if exported.files:
        files = counted(exported.files, "reject")
        parts.append(f"{files} with line ends, or larger than 64 KB, written to {path}.documents")
    if exported.without_folder:
        files = counted(exported.without_folder, "reject")
        parts.append(
            f"{files} with line ends, or larger than 64 KB, left out: name a file after --export to get them as files"
        )
    if exported.left_out:
        files = counted(exported.left_out, "reject")
        parts.append(f"{files} left out: only the beginning was kept, and the file is gone or has changed")
    if exported.messages_left_out:
        messages = counted(exported.messages_left_out, "message")
        parts.append(f"{messages} left out: only the beginning was kept; the command above prints the message")
    return "; ".join(parts)


@loader.command()
@click.argument("source", required=False)
@click.option("--reason", type=click.Choice(REJECT_REASONS), help="Only the rejects with this reason.")
def replay(source: str | None, reason: str | None) -> None:
    """Land rejects that pass now, after the contract or the size limit was changed.

    Landed documents keep their coordinates. The command is safe to repeat. It lists the documents that are rejected
    again.
    """
    from loader.rejects.replay import replay

    rejected = 0

    def show(reject: OpenReject, reason: RejectReason) -> None:
        nonlocal rejected
        rejected += 1
        detail = with_pointer(reason.detail, reason.pointer)
        click.echo(shown(f"{reject.name}:{reject.position}  still {reason.code}: {detail}"))

    for name, landed in replay(source, reason, show).items():
        if landed or source:
            click.echo(f"{name:<12} replayed {landed:>9,}")
    click.echo(f"{counted(rejected, 'reject')} remaining")


@loader.command()
@click.argument("source", required=False)
def drift(source: str | None) -> None:
    """List the fields in landed documents that no contract names: how often, of which type, since when.

    Fields that were adopted since are not listed any more; ledger.unknown_fields keeps them.
    """
    from loader.drift import list_drift
    from loader.known_sources import require_known

    fields = list_drift(source)
    if source is not None and not fields:
        require_known(source)
    for field in fields:
        click.echo(
            f"{field.source:<12} {shown(field.pointer)} ({field.json_type}) in {counted(field.documents, 'document')},"
            f" since {field.first_at:%Y-%m-%d %H:%M} ({shown(field.first_input)}), last {field.last_at:%Y-%m-%d %H:%M}"
        )
    click.echo(counted(len(fields), "unknown field"))


@loader.command()
@click.argument("coordinate")
@click.argument("key", nargs=-1)
def why(coordinate: str, key: tuple[str, ...]) -> None:
    """Show what became of the document at COORDINATE, such as data/raw/cafes.ndjson:12.

    With a KEY, COORDINATE is the name of a mart, and the command shows the lineage of the row's document from its
    source to its prediction: python -m loader why orders A-1042
    """
    from loader.tracing.why import why, why_row

    for line in why_row(coordinate, key) if key else why(coordinate):
        click.echo(shown(line))


@loader.command()
@click.argument("target", metavar="BATCH|RUN|FILE")
@click.option("--source", help="The source, if the file was loaded as several.")
@click.option("--reason", help="Why it is undone. The ledger keeps it, and `why` shows it.")
@click.option("--dry-run", is_flag=True, help="Count what would be undone, but write nothing.")
def undo(target: str, source: str | None, reason: str | None, dry_run: bool) -> None:
    """Take back what landed: one batch, all batches of a run, or the whole content of a file.

    The documents leave the raw tables at once; marts, predictions and exports follow with the next run. The ledger
    keeps the batches, with who undid them, when and why. Their rejects are closed, and what was replayed from them is
    undone, too. Loading the file again lands exactly what was undone.
    """
    from loader.known_sources import require_known
    from loader.undo.summary import undo_lines
    from loader.undo.undo import undo

    if source:
        require_known(source)
    for line in undo_lines(undo(target, source=source, reason=reason, dry_run=dry_run), dry_run=dry_run):
        click.echo(line)


if __name__ == "__main__":
    run(loader, "python -m loader")
