"""`python -m tests.crash.backups`: kills restores at random moments, restores again, compares, prints totals."""

from __future__ import annotations

import click

from tests.crash.backups.restores import COUNTED, WRONG, run_restore_rounds
from tests.crash.totals import print_totals


@click.command(
    help="Example: python -m tests.crash.backups --rounds 50 --seed 1\n\n"
    "Kill restores, pg_restore, the server or all of them with signal 9 at random moments."
)
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(min=1), help="How many rounds to run.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if a restore did not complete, or what it restored is not the backup."""
    print_totals(lambda: run_restore_rounds(rounds, seed), COUNTED, WRONG)


if __name__ == "__main__":
    main()
