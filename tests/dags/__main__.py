# waybill: sample
"""`python -m tests.dags`: kills tasks of Airflow at random moments, retries them, compares, prints totals."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import click

from tests.crash.totals import print_totals
from tests.dags.conftest import ScheduledPipeline
from tests.dags.kills import COUNTED, WRONG, run_rounds
from tests.support.databases import own_server
from tests.support.scheduled.airflow import make_airflow
from tests.support.small.pipeline import small_pipeline


@click.command(
    help="Example: python -m tests.dags --rounds 7 --seed 1\n\n"
    "Kill a load, a build of the marts and a scoring that Airflow runs, with signal 9, once each in every round."
)
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(min=1), help="How many rounds to run.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if a document was lost or doubled, or a task did not complete."""
    print_totals(lambda: _run(rounds, seed), COUNTED, WRONG)


def _run(rounds: int, seed: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder, own_server(), small_pipeline(Path(folder)) as small:
        scheduled = ScheduledPipeline(small, make_airflow(Path(folder) / "airflow-state", small.variables))
        ran = small.run()
        assert ran.returncode == 0, ran.stderr
        return run_rounds(scheduled, rounds, seed)


if __name__ == "__main__":
    main()
