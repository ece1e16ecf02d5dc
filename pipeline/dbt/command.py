"""What `.venv/bin/dbt` runs: dbt itself, on the warehouse that the environment and `.env` name at this moment."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
from contextlib import ExitStack
from pathlib import Path

import click

from loader.landing.raw_tables import make_later_raw_tables
from ml.checking.staleness import recheck_outdated
from pipeline.dbt.failing_rows import failed_tests, print_failed_tests
from pipeline.dbt.sources_yml import require_current
from pipeline.openlineage.dbt_events import DbtEvents
from pipeline.openlineage.switch import send_events
from warehouse.dbt_login import DBT_PROJECT, dbt_variables
from warehouse.work_lock import only_run, working
from waybill.cli import run
from waybill.observing.work import observed
from waybill.text import keep_colours

NEEDS_NO_WAREHOUSE = {"--help", "-h", "--version"}
WRITES_TABLES = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot"}
MARKS_CHECKS = {"build", "retry", "run"}
WORKS_ON_TABLES = WRITES_TABLES | {"test"}


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...]) -> None:
    """Start the warehouse if it is not running and pass all arguments to dbt.

    Stops if the sources that dbt reads differ from the declarations in loader/sources, or if another run is at work and
    the command would write tables.
    """
    needs_warehouse = not NEEDS_NO_WAREHOUSE & set(arguments)
    if needs_warehouse:
        require_current()
        os.environ.update(dbt_variables())
    if not Path("dbt_project.yml").exists():
        os.environ.setdefault("DBT_PROJECT_DIR", str(DBT_PROJECT))
    keep_colours()
    from dbt.cli.exceptions import ResultExit
    from dbt.cli.main import cli

    subcommand = next((name for name in arguments if name in WORKS_ON_TABLES), None)
    with ExitStack() as locks:
        if needs_warehouse and subcommand in WRITES_TABLES:
            locks.enter_context(only_run(f"dbt {subcommand}"))
        if needs_warehouse and subcommand:
            locks.enter_context(working(f"dbt {subcommand}"))
            make_later_raw_tables()
            send_events()
            locks.enter_context(observed("dbt", f"command.{subcommand}"))
        events, path = locks.enter_context(DbtEvents(subcommand)), click.get_current_context().command_path
        try:
            outcome = cli.main(list(arguments), path, standalone_mode=False, obj={"callbacks": events.callbacks})
        except ResultExit as error:
            print_failed_tests(failed_tests(events.keep(error.result)))
            raise
        if isinstance(outcome, tuple):  # (result, success), not the exit code of `--help`
            print_failed_tests(failed_tests(events.keep(outcome[0])))
            if subcommand in MARKS_CHECKS and (stale := recheck_outdated()):
                click.echo(stale.removeprefix("; "))


if __name__ == "__main__":
    run(dbt, "dbt")
