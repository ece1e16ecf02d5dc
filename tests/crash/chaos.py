"""`python -m tests.crash.chaos`: faults at random moments while a topic is consumed; prints the totals."""

from __future__ import annotations

import signal
import sys
import time

import click

from tests.crash.chaos_rounds import WRONG, run_rounds
from tests.crash.faults import FAULTS

COUNTED = (
    "rounds", *FAULTS, "consumers", "consumers that found no server", "batches", "messages", "landed", "rejected", "tombstones", "lost in accepted gaps",
)  # fmt: skip


@click.command(
    help="Example: python -m tests.crash.chaos --rounds 200 --seed 1\n\n"
    "Kill, halt, cut and crowd while a topic is consumed, on a warehouse and a broker of its own."
)
@click.option("--rounds", default=200, show_default=True, type=click.IntRange(min=1), help="How many rounds.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same messages and faults.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit 1 when anything was lost, doubled, left unbalanced or did not get on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    found = run_rounds(rounds, seed)
    for name in (*COUNTED, *WRONG):
        click.echo(f"{name:<34} {found[name]:>12,}")
    click.echo(f"{'seconds':<34} {time.monotonic() - started:>12,.0f}")
    sys.exit(any(found[name] for name in WRONG))


if __name__ == "__main__":
    main()
