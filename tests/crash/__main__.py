"""`python -m tests.crash`: kill at random moments, load again, compare with the truth, print the totals."""

from __future__ import annotations

import sys
import time

import click

from tests.crash.rounds import run_rounds

WRONG = ("lost", "doubled", "books that do not balance", "reruns that did not complete", "tracebacks")


@click.command(
    help="Example: python -m tests.crash --rounds 300 --seed 1\n\nKill -9 at random moments on its own server."
)
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(min=1), help="How many rounds.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same files, targets and moments.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit 1 when anything was lost, doubled or left unbalanced."""
    started = time.monotonic()
    found = run_rounds(rounds, seed)
    for name in (
        "rounds",
        "kills",
        "kills at work",
        "loads cut short",
        "files landed by several runs",
        "documents sent",
        "landed",
        "rejected",
        *WRONG,
    ):
        click.echo(f"{name:<30} {found[name]:>12,}")
    click.echo(f"{'seconds':<30} {time.monotonic() - started:>12,.0f}")
    sys.exit(any(found[name] for name in WRONG))


if __name__ == "__main__":
    main()
