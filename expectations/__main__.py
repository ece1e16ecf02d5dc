"""`python -m expectations raw|marts`: run one checkpoint."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from waybill.cli import run

HELP = """Run a checkpoint, raw or marts; exit 1 when an expectation fails.

Example: python -m expectations raw"""


@click.command(help=HELP)
@click.argument("checkpoint")
@click.option("--only-if-changed", is_flag=True, help="Skip it when it succeeded for the same rows and expectations.")
def main(checkpoint: str, only_if_changed: bool) -> None:
    """Run the checkpoint and print its result."""
    from expectations.checkpoints import run_checkpoint
    from expectations.project import data_docs_folder
    from waybill.settings import get_settings, relative_name

    outcome = run_checkpoint(checkpoint, only_if_changed=only_if_changed)
    click.echo(f"checkpoint {outcome.name}: {outcome.summary}")
    click.echo(f"data docs: {relative_name(data_docs_folder(get_settings()) / 'index.html')}")


if __name__ == "__main__":
    run(main, "python -m expectations")
