"""`python -m tests.crash.backups`: kills backups and restores at random moments, repeats them, prints totals."""

from __future__ import annotations

import click

from tests.crash.backups import making, restores
from tests.crash.totals import print_totals


@click.command(
    help="Example: python -m tests.crash.backups --rounds 50 --seed 1\n\n"
    "Kill backups and restores, pg_dump and pg_restore, the server or all of them with signal 9 at random moments."
)
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(min=1), help="How many rounds of each.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if a backup or restore did not complete, or holds something else."""
    counted = [*making.COUNTED, *restores.COUNTED[1:]]
    print_totals(
        lambda: making.run_backup_rounds(rounds, seed) + restores.run_restore_rounds(rounds, seed),
        dict.fromkeys(counted),
        dict.fromkeys([*making.WRONG, *restores.WRONG]),
    )


if __name__ == "__main__":
    main()
