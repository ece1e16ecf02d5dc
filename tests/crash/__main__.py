"""`python -m tests.crash`: kills loads at random moments, loads again, compares with what was sent, prints totals."""

from __future__ import annotations

import sys
import time

import click

from tests.crash.rounds import run_rounds

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
    started = time.monotonic()
    totals = run_rounds(rounds, seed)
    for name in (*COUNTED, *WRONG):
        click.echo(f"{name:<30} {totals[name]:>12,}")
    click.echo(f"{'seconds':<30} {time.monotonic() - started:>12,.0f}")
    sys.exit(any(totals[name] for name in WRONG))


if __name__ == "__main__":
    main()
