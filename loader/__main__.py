"""`python -m loader`: load sources, list and replay rejects, list drift, ask what became of a document."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from pathlib import Path

import click

from loader.checking.checks import RejectReason
from loader.declarations import Layout, read_source
from loader.rejects.replay_positions import OpenReject
from warehouse.ledger import REASONS
from waybill.cli import run


@click.group(help="Example: python -m loader load flights data/raw/flights\n\nLand raw JSON and account for it.")
def loader() -> None:
    """Hold the loader's commands."""


@loader.command()
@click.argument("source", required=False)
@click.argument("files", nargs=-1)
@click.option(
    "--layout", type=click.Choice(["ndjson", "array", "records", "document"]), help="Where the documents stand."
)
@click.option("--dry-run", is_flag=True, help="Frame and check, write nothing.")
def load(source: str | None, files: tuple[str, ...], layout: Layout | None, dry_run: bool) -> None:
    """Load SOURCE (all when none is named) from FILES, folders or `-`; its own files in data/raw when none is given."""
    from loader.load import load
    from loader.plan import Request
    from loader.reading.ranges import Reject

    def show(name: str, reject: Reject) -> None:
        click.echo(f"would reject {name}:{reject.position} {reject.reason.code}: {reject.reason.detail}")

    request = Request((source,) if source else (), files, layout, dry_run)
    result = load(request, on_reject=show)
    for name, tally in result.tallies.items():
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(tally.reasons.items()))
        click.echo(
            f"{name:<12} read {tally.read:>9,} = landed {tally.landed:>9,} + rejected {tally.rejected:>5,}"
            f" + skipped {tally.skipped:>6,}{f'   ({reasons})' if reasons else ''}"
        )
    rejected = sum(tally.rejected for tally in result.tallies.values())
    would = f"{result.rows:,} documents of {result.new_files} files pass, {rejected:,} would be rejected"
    click.echo(f"nothing written: {would}" if dry_run else result.summary)


@loader.command()
@click.argument("source", required=False)
@click.option("--reason", type=click.Choice(REASONS), help="Only the rejects of one reason.")
@click.option(
    "--export", "export", type=click.Path(dir_okay=False, path_type=Path), help="Write their bytes, to be loaded again."
)
def rejects(source: str | None, reason: str | None, export: Path | None) -> None:
    """List what could not be landed, with coordinate, reason and beginning; or export the bytes.

    An export has a reject a line; those that hold a line end, or were kept in part only, are files of their own
    in FILE.documents. Of the latter, those whose file is gone or has changed are left out, and those of messages.
    """
    from loader.rejects.listing import export_rejects, list_rejects

    rows = list_rejects(source, reason)
    if export:
        exported = export_rejects(rows, export)
        click.echo(f"{exported.lines:,} rejects written to {export}", nl=False)
        if exported.files:
            click.echo(f"; {exported.files:,} that hold a line end or are large to {export}.documents", nl=False)
        if exported.left_out:
            why_not = "only the beginning was kept, and the file is gone or has changed"
            click.echo(f"; {exported.left_out:,} left out: {why_not}", nl=False)
        if exported.messages_left_out:
            why_not = "only the beginning was kept, and the command above reads each again"
            click.echo(f"; {exported.messages_left_out:,} of messages left out: {why_not}", nl=False)
        click.echo()
        return
    count = 0
    for row in rows:
        count += 1
        beginning = row.beginning[:100].decode("utf-8", "backslashreplace")
        where = f" at {row.pointer}" if row.pointer else ""
        click.echo(f"{row.name}:{row.position}  {row.reason}: {row.detail}{where}\n    {beginning}")
    if source and not count:
        read_source(source)  # a name that is mistyped is no clean source
    click.echo(f"{count:,} rejects")


@loader.command()
@click.argument("source", required=False)
@click.option("--reason", type=click.Choice(REASONS), help="Only the rejects of one reason.")
def replay(source: str | None, reason: str | None) -> None:
    """Land what was rejected and passes now, after the contract, the rule or the limit was mended.

    What is landed keeps its coordinate; safe to repeat. What still does not pass is listed and stays a reject.
    """
    from loader.rejects.replay import replay

    left = 0

    def show(reject: OpenReject, reason: RejectReason) -> None:
        nonlocal left
        left += 1
        where = f" at {reason.pointer}" if reason.pointer else ""
        click.echo(f"{reject.name}:{reject.position}  still {reason.code}: {reason.detail}{where}")

    for name, landed in replay(source, reason, show).items():
        if landed or source:
            click.echo(f"{name:<12} replayed {landed:>9,}")
    click.echo(f"{left:,} rejects stay")


@loader.command()
@click.argument("source", required=False)
def drift(source: str | None) -> None:
    """List the fields that came and no contract knows: how often, of what type, since when."""
    from loader.drift import list_drift

    fields = list_drift(source)
    if source and not fields:
        read_source(source)
    for field in fields:
        click.echo(
            f"{field.source:<12} {field.pointer} ({field.json_type}) in {field.documents:,} documents,"
            f" since {field.first_at:%Y-%m-%d %H:%M} ({field.first_input}), last {field.last_at:%Y-%m-%d %H:%M}"
        )
    click.echo(f"{len(fields):,} unknown fields")


@loader.command()
@click.argument("coordinate")
@click.argument("key", nargs=-1)
def why(coordinate: str, key: tuple[str, ...]) -> None:
    """Tell what became of the document at COORDINATE, such as data/raw/raw.json:12.

    With a KEY, COORDINATE is a mart's table, and the story of the row's document is told from its source to its
    prediction: python -m loader why fct_flights UA-1545-EWR-2013-01-01
    """
    from loader.tracing.why import why, why_row

    for line in why_row(coordinate, key) if key else why(coordinate):
        click.echo(line)


if __name__ == "__main__":
    run(loader, "python -m loader")
