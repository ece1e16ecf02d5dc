"""`python -m pipeline`: run all stages, or some of them."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import StagesBroken
from pipeline.stage_list import read_stages
from waybill.cli import run

if TYPE_CHECKING:
    from pipeline.runner import StageWork

try:
    STAGES = read_stages()
except StagesBroken:  # a run reads them again, and says what is wrong
    STAGES = []
NAMES = [stage.name for stage in STAGES]
LIST = "\b\n" + "\n".join(f"{stage.name:<12} {stage.does}" for stage in STAGES)
OPTIONS = (
    "While a run, a stage or an undo works on the database, another one is refused, or waits with --wait. But the "
    "checks, train, score, export, docs and report can run at the same time, each in one process. --from and --to "
    "choose files for load, as `waybill load --help` says. A run that failed exits with 75 if a later try may succeed, "
    "such as when PostgreSQL is away, else with 1."
)
HELP = f"Run all stages in their order, or those that you name:\n\n{LIST}\n\n{OPTIONS}"


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a run to a command, which takes them as `work` and `waits`."""

    @click.option("--wait", "waits", is_flag=True, help="Wait for the end of another run, stage or undo.")
    @click.option("--from", "first", metavar="DATE", help="Load only files of this day, month or year, or later.")
    @click.option("--to", "last", metavar="DATE", help="Load only files of this day, month or year, or earlier.")
    @wraps(command)
    def with_options(stages: tuple[str, ...], first: str | None, last: str | None, **others: Any) -> None:
        if first is None and last is None:
            command(stages, work=None, **others)
            return
        from loader.file_dates import asked_days
        from pipeline.stages import load_files

        if stages and "load" not in stages and "run" not in stages:
            raise click.UsageError("--from and --to choose files for the stage load: name it, or leave them out")
        command(stages, work={"load": partial(load_files, asked_days(first, last))}, **others)

    return with_options


@click.command(help=f"Example: python -m pipeline run\n\n{HELP}")
@click.argument("stages", nargs=-1, required=True, type=click.Choice(["run", *NAMES]) if NAMES else None)
@_with_options
def pipeline(stages: tuple[str, ...], work: StageWork | None, waits: bool) -> None:
    """Run the named stages, or all of them for the word `run`."""
    _run(() if "run" in stages else stages, work, waits)


@click.command(help=HELP)
@click.argument("stages", nargs=-1, type=click.Choice(NAMES) if NAMES else None, metavar="[STAGE]...")
@_with_options
def run_stages(stages: tuple[str, ...], work: StageWork | None, waits: bool) -> None:
    """Run the named stages, or all of them when none is named. This is `waybill run`."""
    _run(stages, work, waits)


def _run(stages: tuple[str, ...], work: StageWork | None, waits: bool) -> None:
    from pipeline.openlineage.switch import send_events
    from pipeline.runner import run_all, run_some

    send_events()
    if stages:
        run_some(stages, work=work, waits=waits)
    else:
        run_all(work=work, waits=waits)


if __name__ == "__main__":
    run(pipeline, "python -m pipeline")
