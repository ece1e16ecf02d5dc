# waybill: sample
"""`python -m pipeline.showcase.refresh`: brings marts and predictions up to date while more documents arrive."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from pipeline.dbt.build import build
from pipeline.stage_run import run_stage
from pipeline.stages import StageResult
from waybill.cli import run

# These tests hold only after all corrections have arrived: until then, a wrong document may be the current one.
WITHOUT_SETTLED = ("--exclude", "tag:settled")


def refresh() -> None:
    """Build the marts from the batches committed so far, without the tests that later corrections may still fix."""
    run_stage("dbt", work=lambda: StageResult(*build(*WITHOUT_SETTLED)))
    run_stage("score")


@click.command(
    help="Example: python -m pipeline.showcase.refresh\n\n"
    "Bring marts and predictions up to date with the documents that have landed."
)
def main() -> None:
    """Refresh once."""
    refresh()


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.refresh")
