"""`python -m tests.crash`: kills loads at random moments, loads again, compares with what was sent, prints totals."""

from __future__ import annotations

import click

from tests.crash.rounds import run_rounds
from tests.crash.totals import print_totals

WRONG = ("lost", "doubled", "batches that do not balance", "reruns that did not complete", "tracebacks")
COUNTED = (
    "rounds", "kills", "kills during a load", "loads interrupted", "files landed by several runs",
    "documents sent", "landed", "rejected",
)  # fmt: skip


@click.command(
    help="Example: python -m tests.crash --rounds 300 --seed 1\n\n"
    "Kill the loader, its own PostgreSQL server or both with signal 9 at random moments."
)
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(min=1), help="How many rounds to run.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same files, targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if a document was lost or doubled, or a batch does not balance."""
    print_totals(lambda: run_rounds(rounds, seed), COUNTED, WRONG)


if __name__ == "__main__":
    main()
