"""`python -m loader`: load sources, list rejects, ask what became of a document."""

from __future__ import annotations

from pathlib import Path

import click

from loader.declarations import Layout
from warehouse.cli import run
from warehouse.ledger import REASONS


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
    from loader.ranges import Unframed

    def show(name: str, reject: Unframed) -> None:
        click.echo(f"would reject {name}:{reject.position} {reject.refusal.reason}: {reject.refusal.detail}")

    request = Request((source,) if source else (), files, layout, dry_run)
    result = load(request, on_reject=show)
    for name, tally in result.tallies.items():
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(tally.reasons.items()))
        click.echo(
            f"{name:<12} read {tally.read:>9,} = landed {tally.landed:>9,} + rejected {tally.rejected:>5,}"
            f" + skipped {tally.skipped:>6,}{f'   ({reasons})' if reasons else ''}"
        )
    click.echo(f"dry run, nothing written: {result.summary}" if dry_run else result.summary)


@loader.command()
@click.argument("source", required=False)
@click.option("--reason", type=click.Choice(REASONS), help="Only the rejects of one reason.")
@click.option(
    "--export", "export", type=click.Path(dir_okay=False, path_type=Path), help="Write their bytes to a file."
)
def rejects(source: str | None, reason: str | None, export: Path | None) -> None:
    """List what could not be landed, with coordinate, reason and beginning; or export the bytes."""
    from loader.rejects import export_rejects, list_rejects

    rows = list_rejects(source, reason)
    if export:
        written, in_part = export_rejects(rows, export)
        note = f"; of {in_part} only the beginning was kept" if in_part else ""
        click.echo(f"{written:,} rejects written to {export}{note}")
        return
    count = 0
    for row in rows:
        count += 1
        beginning = row.beginning[:100].decode("utf-8", "backslashreplace")
        where = f" at {row.pointer}" if row.pointer else ""
        click.echo(f"{row.name}:{row.position}  {row.reason}: {row.detail}{where}\n    {beginning}")
    click.echo(f"{count:,} rejects")


@loader.command()
@click.argument("coordinate")
def why(coordinate: str) -> None:
    """Tell what became of the document at COORDINATE, such as data/raw/raw.json:12."""
    from loader.why import why

    for line in why(coordinate):
        click.echo(line)


if __name__ == "__main__":
    run(loader, "python -m loader")
