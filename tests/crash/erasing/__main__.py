# waybill: sample
"""`python -m tests.crash.erasing`: kills erases at random moments, and checks that the same command completes them."""

from __future__ import annotations

import click

from tests.crash.erasing.rounds import run_rounds
from tests.crash.totals import print_totals

WRONG = (
    "erases that did not complete", "erasures incomplete or doubled", "marts that differ",
    "books that do not balance", "files with canaries", "tracebacks",
)  # fmt: skip
COUNTED = ("rounds", "kills", "kills during an erase")


@click.command(
    help="Example: python -m tests.crash.erasing --rounds 50 --seed 1\n\n"
    "Kill `waybill erase`, its server or both with signal 9 at random moments, and run the same command again."
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="How many rounds to run.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if an erase could not be completed, or left a byte of the documents."""
    print_totals(lambda: run_rounds(rounds, seed), COUNTED, WRONG)


if __name__ == "__main__":
    main()
