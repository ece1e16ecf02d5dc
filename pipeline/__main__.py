"""`python -m pipeline`: run all stages, or some of them."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from pipeline.stages import read_stages
from waybill.cli import run


@click.command(
    help="Example: python -m pipeline run\n\nRun all stages in their order, or those that are named:\n\n\b\n"
    + "\n".join(f"{stage.name:<12} {stage.does}" for stage in read_stages())
)
@click.argument("stages", nargs=-1, required=True, type=click.Choice(["run", *[stage.name for stage in read_stages()]]))
def pipeline(stages: tuple[str, ...]) -> None:
    """Run some stages or all."""
    from pipeline.runner import run_all, run_stage

    for name in stages:
        if name == "run":
            run_all()
        else:
            run_stage(name)


if __name__ == "__main__":
    run(pipeline, "python -m pipeline")
