"""`waybill erase`: erases documents by key from the warehouse and from everything that was made of them."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from pathlib import Path
from typing import TYPE_CHECKING

import click

from waybill.cli import run
from waybill.text import counted, shown

if TYPE_CHECKING:
    from ml.erasing.report import Policy
    from pipeline.erasing.asked import Asked

EXPLAINED = """
Erases every document of SOURCE that has one of the KEYs, as the marts and `waybill why` show it: from the raw table,
rejects, marts, predictions, reports, exports and logs, and from the pages of tables and of the write-ahead log. What
was erased cannot land again, whatever file or topic it comes from, until `waybill erase --lift SOURCE KEY`. A
certificate in reports/erasures says what was done.

Source files and topics are not changed: their coordinates are listed. If the command was interrupted, the next one
completes the erasure; without arguments, `waybill erase` does only that. One that still cannot be completed is named,
and does not keep others from being erased; the same keys with another `--models` replace its policy. Each erase also
writes to the logs beside backups what they lack, and fails while a folder of backups is away.

Put `--` before a key that begins with a hyphen. A key on the command line stays in the history of your shell:
`--keys -` reads keys from standard input.
"""


@click.command(help=f"Example: waybill erase orders A-1042\n\n{EXPLAINED}")
@click.argument("source", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="POINTER=VALUE",
    help="Also all documents with the keys of those in which a field has a value. Of several, all must hold.",
)
@click.option(
    "--keys", "keys_file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), help="Keys, one a line."
)
@click.option(
    "--models",
    "policy",
    type=click.Choice(["keep-marked", "refuse", "retrain"]),
    help="What becomes of models that had learnt erased rows; WAYBILL_ERASED_MODELS if not given.",
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what would be erased, and change nothing.")
@click.option("--lift", "is_lift", is_flag=True, help="Let documents with the keys land again.")
def erase(
    source: str | None,
    keys: tuple[str, ...],
    conditions: tuple[str, ...],
    keys_file: Path | None,
    policy: Policy | None,
    is_dry_run: bool,
    is_lift: bool,
) -> None:
    """Erase documents; the help text is EXPLAINED."""
    from pipeline.erasing.asked import Asked

    if source is None:
        if conditions or keys_file or is_dry_run or is_lift:
            raise click.UsageError("name the SOURCE whose documents are meant")
        _erase(None, policy)
        return
    asked = Asked(source, keys, conditions, keys_file)
    if is_lift:
        _lift(asked, is_dry_run)
    elif is_dry_run:
        _show_dry(asked)
    else:
        _erase(asked, policy)


def _erase(asked: Asked | None, policy: Policy | None) -> None:
    from pipeline.erasing.erase import erase
    from pipeline.erasing.printing import complete_lines

    number = 0
    for complete in erase(asked, policy):
        number += 1
        for line in complete_lines(complete):
            click.echo(shown(line))
    if not number:
        click.echo("nothing to erase: it was erased before" if asked else "nothing to erase: no erasure is incomplete")


def _show_dry(asked: Asked) -> None:
    from pipeline.erasing.erase import find_to_erase
    from pipeline.erasing.printing import dry_lines

    for line in dry_lines(*find_to_erase(asked, makes_secret=False)):
        click.echo(shown(line))


def _lift(asked: Asked, is_dry_run: bool) -> None:
    from pipeline.erasing.lifting import lift_bars

    if is_dry_run:
        raise click.UsageError("--dry-run goes without --lift")
    lifted, problems = lift_bars(asked)
    for problem in problems:
        click.echo(shown(problem))
    click.echo(f"{counted(lifted, 'key')} of {asked.source} can land again")


if __name__ == "__main__":
    run(erase, "erase")
