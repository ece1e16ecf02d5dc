"""`python -m tests.crash.chaos`: causes faults at random moments while a topic is consumed, and prints totals."""

from __future__ import annotations

import signal
import sys
import time

import click

from tests.crash.chaos_rounds import WRONG, run_rounds
from tests.crash.faults import FAULTS

COUNTED = (
    "rounds", *FAULTS, "consumers", "consumers that found no server", "batches", "messages", "landed", "rejected",
    "tombstones", "lost in accepted gaps",
)  # fmt: skip


@click.command(
    help="Example: python -m tests.crash.chaos --rounds 200 --seed 1\n\n"
    "Kill or suspend consumers, broker and PostgreSQL, truncate the log and cause rebalances while a topic is "
    "consumed. Warehouse and broker are the harness's own."
)
@click.option("--rounds", default=200, show_default=True, type=click.IntRange(min=1), help="How many rounds to run.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same messages and faults.")
def main(rounds: int, seed: int) -> None:
    """Run the rounds; exit with 1 if a message was lost or doubled, books are wrong, or a consumer got stuck."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    totals = run_rounds(rounds, seed)
    for name in (*COUNTED, *WRONG):
        click.echo(f"{name:<34} {totals[name]:>12,}")
    click.echo(f"{'seconds':<34} {time.monotonic() - started:>12,.0f}")
    sys.exit(any(totals[name] for name in WRONG))


if __name__ == "__main__":
    main()
