"""`python -m tests.crash.chaos`: causes faults at random moments while a topic is consumed, and prints totals."""

from __future__ import annotations

import signal

import click

from tests.crash.chaos_rounds import AT_WORK, WRONG, run_rounds
from tests.crash.faults import FAULTS
from tests.crash.totals import print_totals

COUNTED = (
    "rounds", *FAULTS, AT_WORK, "consumers", "consumers that found no server", "batches", "messages", "landed", "rejected",
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
    print_totals(lambda: run_rounds(rounds, seed), COUNTED, WRONG)


if __name__ == "__main__":
    main()
