"""`python -m pipeline`: run all stages, or some of them."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from pipeline.stages import read_stages
from waybill.cli import run

STAGES = read_stages()
LIST = "\b\n" + "\n".join(f"{stage.name:<12} {stage.does}" for stage in STAGES)


@click.command(
    help="Example: python -m pipeline run\n\nRun all stages in their order, or those that you name:\n\n" + LIST
)
@click.argument("stages", nargs=-1, required=True, type=click.Choice(["run", *[stage.name for stage in STAGES]]))
def pipeline(stages: tuple[str, ...]) -> None:
    """Run the named stages, or all of them for the word `run`."""
    from pipeline.runner import run_all, run_some

    if "run" in stages:
        run_all()
    else:
        run_some(stages)


@click.command(help="Run all stages in their order, or those that you name:\n\n" + LIST)
@click.argument("stages", nargs=-1, type=click.Choice([stage.name for stage in STAGES]), metavar="[STAGE]...")
def run_stages(stages: tuple[str, ...]) -> None:
    """Run the named stages, or all of them when none is named. This is `waybill run`."""
    pipeline.callback(stages or ("run",))  # type: ignore[misc]


if __name__ == "__main__":
    run(pipeline, "python -m pipeline")
