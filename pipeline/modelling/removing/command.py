"""`waybill remove`: takes a source, or the sample, out of the project, and with --drop out of the warehouse, too."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import Any

import click

from waybill.cli import run

EXPLAINED = """
Deletes the files that model SOURCE: declaration, contract, models, tests, expectations and export. Git shows them, so
files that git does not know, or whose changes are not committed, are refused without --force. Without git, the command
asks first.

Without --drop the warehouse is unchanged: the documents of SOURCE are not modelled any more, and are counted as such.
With --drop, all that SOURCE has landed is undone, and its tables are dropped. The command is safe to repeat.

With --sample, everything that belongs to the shipped sample is removed. During a git merge, this deletes the files of
the sample that a newer version brings, and resolves their conflicts.
"""


@click.command(help=f"Example: waybill remove restaurants\n\n{EXPLAINED}")
@click.argument("source", required=False)
@click.option("--sample", is_flag=True, help="Remove the shipped sample instead of SOURCE.")
@click.option("--drop", "drops", is_flag=True, help="Undo what has landed of it, and drop its tables.")
@click.option("--reason", help="With --drop: why it is undone. The ledger keeps it, and `why` shows it.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Print what would be removed, and change nothing.")
@click.option("--force", "is_forced", is_flag=True, help="Also delete what git could not bring back.")
@click.option(
    "--yes",
    "confirmed",
    metavar="DATABASE",
    help="The name of the database, as a confirmation.",
)
def remove(source: str | None, sample: bool, **options: Any) -> None:
    """Remove a source, or the sample; the help text is EXPLAINED."""
    from pipeline.modelling.removing.asked import Asked

    if options["reason"] is not None and not options["drops"]:
        raise click.UsageError("--reason goes with --drop: without it, nothing is undone")
    if sample == (source is not None):
        raise click.UsageError("name one SOURCE, or give --sample")
    asked = Asked(**options)
    if source is None:
        from pipeline.modelling.removing.sample import remove_sample

        remove_sample(asked)
    else:
        from pipeline.modelling.removing.source import remove_source

        remove_source(source, asked)


if __name__ == "__main__":
    run(remove, "remove")
