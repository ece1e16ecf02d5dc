"""`python -m pipeline`: run all stages, or one of them."""

from __future__ import annotations

import click

from pipeline.stages import read_stages
from warehouse.cli import run


@click.command(
    help="Example: python -m pipeline run\n\nRun all stages in their order, or the one that is named:\n\n\b\n"
    + "\n".join(f"{stage.name:<12} {stage.does}" for stage in read_stages())
)
@click.argument("stage", type=click.Choice(["run", *[stage.name for stage in read_stages()]]))
def pipeline(stage: str) -> None:
    """Run one stage or all."""
    from pipeline.runner import run_all, run_stage

    if stage == "run":
        run_all()
    else:
        run_stage(stage)


if __name__ == "__main__":
    run(pipeline, "python -m pipeline")
