"""`waybill rename`: gives a source another name, everywhere."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from waybill.cli import run

EXPLAINED = """
Renames files, models, tests, tags, expectations, the raw table, the tables of dbt, and what the ledger and dbt know of
the source. Afterwards, nothing is loaded or built again. File patterns and topic are not changed: the same files and
messages are known. Tasks and notebooks that read its marts are changed with them; such a task is trained again.

The command changes all or nothing. If it is killed, run it again: it finishes.
"""


@click.command(help=f"Example: waybill rename restaurants eateries\n\n{EXPLAINED}")
@click.argument("source")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Print what would be renamed, and change nothing.")
def rename(source: str, new: str, dry_run: bool) -> None:
    """Rename a source; the help text is EXPLAINED."""
    from pipeline.modelling.renaming.source import rename_source

    rename_source(source, new, dry_run=dry_run)


if __name__ == "__main__":
    run(rename, "rename")
