"""`python -m pipeline.showcase.refresh`: the marts and scores of what has come in, while more is coming."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from pipeline.dbt.build import build
from pipeline.runner import run_stage
from pipeline.stages import Outcome
from waybill.cli import run

# tests of facts that hold when all corrections are there: a wrong document may stand until its correction arrives
UNSETTLED = ("--exclude", "tag:settled")


def refresh() -> None:
    """Build the marts of the batches that are committed now, without the tests that corrections may still mend."""
    run_stage("dbt", work=lambda: Outcome(*build(*UNSETTLED)))
    run_stage("score")


@click.command(
    help="Example: python -m pipeline.showcase.refresh\n\nBring marts and scores up to what has come in by now."
)
def main() -> None:
    """Refresh once."""
    refresh()


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.refresh")
