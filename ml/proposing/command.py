"""`waybill new-task`: reads a mart, and proposes a task that predicts one of its columns."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import re
import shlex

import click

import ml.task
from ml.errors import ProposalRefused
from waybill.cli import run, shown_command

EXPLAINED = """
Reads all rows of a mart and proposes a task NAME that predicts one of its columns: which columns are features and which
are left out, each with its reason; how rows are split into training, validation and test; and the candidates. Columns
that give the label away are left out by name. The proposal is written to ml/tasks/NAME.yml, an ordinary file, which is
yours from then on. A file that exists is never changed.
"""


@click.command(
    "new-task", help=f"Example: waybill new-task cancelled --table fct_orders --label is_cancelled\n\n{EXPLAINED}"
)
@click.argument("name")
@click.option("--table", required=True, metavar="MART", help="The table in schema marts.")
@click.option("--label", required=True, metavar="COLUMN", help="What is predicted: boolean, text or integer.")
@click.option("--time", metavar="COLUMN", help="Split by this date or timestamp: the newest rows are the test.")
@click.option("--group", metavar="COLUMN", help="Keep all rows with the same value in one set.")
@click.option("--positive", metavar="VALUE", help="The positive value of a label with two. Default: the rarer one.")
@click.option("--dry-run", is_flag=True, help="Print the proposal and the file, and write nothing.")
def new_task(name: str, dry_run: bool, **given: str) -> None:
    """Propose a task; the help text is EXPLAINED."""
    from ml.proposing.declaration import declaration
    from ml.proposing.files import add_file, require_new
    from ml.proposing.printing import found_lines, next_lines
    from ml.proposing.proposal import Asked, propose

    if not re.fullmatch(ml.task.NAME, name):
        raise ProposalRefused(f"{name!r} cannot name a task: use a-z, 0-9 and _, at most 53, beginning with a letter")
    if mistake := ml.task.mistake_in_name(name):
        raise ProposalRefused(f"the task {name} {mistake}: choose another name")
    proposal = propose(Asked(name, **given))
    flags = [word for flag, value in given.items() if value is not None for word in (f"--{flag}", value)]
    text = declaration(proposal, shlex.join(["waybill", "new-task", name, *flags]))
    for line in found_lines(proposal):
        click.echo(line)
    click.echo("")
    path = ml.task.TASKS / f"{name}.yml"
    if dry_run:
        click.echo(text.rstrip("\n"))
        return
    require_new(path, text)
    add_file(path, text)
    click.echo(f"written: ml/tasks/{name}.yml")
    click.echo("")
    for line in next_lines(proposal):
        click.echo(line)


if __name__ == "__main__":
    run(new_task, shown_command("new-task"))
