"""Runs the small sample through every stage, in a database and folders of its own, and explains the result."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import time

import click

from pipeline.runner import only_run, run_stage, show_books
from pipeline.showcase.demo_story import tell
from pipeline.showcase.place import settle
from pipeline.stages import Outcome, read_stages
from warehouse.runs import recorded_run
from waybill.cli import run
from waybill.settings import PROJECT, get_settings, relative_name

RAW = PROJECT / "data" / "raw" / "raw.json"
TASK = "flight_delays_small"


def demo() -> None:
    """Empty the demo's place, run the stages there, and tell what became of the planted faults.

    Raises:
        WaybillError: of the first stage that failed.
    """
    started = time.monotonic()
    os.environ["WAYBILL_TASK"] = TASK
    settle("demo", own=("processed", "models", "reports"))
    database = get_settings().pgdatabase
    click.echo(f"{relative_name(RAW)}: five sources in one file, into the database {database}")
    with only_run(), recorded_run("demo") as run_id:
        for stage in read_stages():
            run_stage(stage.name, work=_load if stage.name == "load" else None, run_id=run_id)
    show_books()
    tell(relative_name(RAW), database)
    click.echo(
        f"\ndone in {time.monotonic() - started:.0f} s; a database and folders of its own, yours are as they were"
    )
    click.echo(f"report: {relative_name(get_settings().reports_folder / 'index.html')}")
    click.echo(f"psql:   PGDATABASE={database} make psql")
    click.echo("next:   make pipeline, a whole year of flights")


def _load() -> Outcome:
    from loader.load import load
    from loader.plan import Request

    result = load(Request(files=(os.path.relpath(RAW),), layout="records"))
    return Outcome(result.rows, result.summary)


@click.command(help="Example: python -m pipeline.showcase.demo\n\nShow the small sample's way through the whole line.")
def main() -> None:
    """Run the demo."""
    demo()


if __name__ == "__main__":
    run(main, "python -m pipeline.showcase.demo")
