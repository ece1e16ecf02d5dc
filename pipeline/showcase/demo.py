# waybill: sample
"""Runs the small sample through every stage, in its own database and folders, and explains the result."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import time

import click

from pipeline.openlineage.switch import send_events
from pipeline.runner import print_books, run_in_order
from pipeline.showcase.demo_documents import show_documents, show_model
from pipeline.showcase.own_database import use_own_database
from pipeline.stage_list import read_stages
from pipeline.stages import StageResult
from warehouse.runs import recorded_run
from warehouse.work_lock import only_run
from waybill.cli import run, shown_command
from waybill.observing.work import observed_run
from waybill.settings import PROJECT, get_settings, relative_name

RAW = PROJECT / "data" / "raw" / "raw.json"
SOURCES = ("aircraft", "airlines", "airports", "flights", "weather")  # of RAW: yours are not loaded
TASK = "flight_delays_small"


def demo() -> None:
    """Empty the demo's database and folders, run the stages there, and show what happened to the planted faults.

    Raises:
        WaybillError: a stage failed; the stages after it did not run.
    """
    started = time.monotonic()
    os.environ["WAYBILL_TASK"] = TASK
    use_own_database("demo", own_folders=("processed", "models", "reports"))
    database = get_settings().pgdatabase
    click.echo(f"{relative_name(RAW)}: one file with five sources, into the database {database}")
    send_events()
    with only_run("demo"), recorded_run("demo") as run_id, observed_run("demo", run_id):
        run_in_order([stage.name for stage in read_stages()], work={"load": _load}, run_id=run_id)
    print_books()
    show_documents()
    show_model()
    click.echo(
        f"\ndone in {time.monotonic() - started:.0f} s, in the demo's own database and folders; yours are unchanged"
    )
    click.echo(f"report: {relative_name(get_settings().reports_folder / 'index.html')}")
    click.echo(f"psql:   {shown_command('psql')}")
    click.echo("next:   make pipeline (a whole year of flights)")


def _load() -> StageResult:
    from loader.load import load
    from loader.plan import Request

    result = load(Request(sources=SOURCES, files=(os.path.relpath(RAW),), layout="records"))
    if result.refusal:
        raise result.refusal
    return StageResult(result.rows, result.summary)


@click.command(
    help="Example: python -m pipeline.showcase.demo\n\nRun the small sample through all stages and explain the result."
)
def main() -> None:
    """Run the demo."""
    demo()


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.demo")
