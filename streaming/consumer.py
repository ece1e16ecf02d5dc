"""`waybill consume`: lands a source's topic in its raw table, each message exactly once, even after a crash."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from loader.checking.contracts import read_contract
from loader.declarations import Source, read_source
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.consuming.opening import ConsumerSetup, open_consumer, open_when_available
from streaming.topics import with_topic
from waybill.cli import run

STOP_SECONDS = 15  # for the current batches, the record of the run and the client's last request


def consume(source: Source, options: ConsumerOptions, metrics: ConsumerMetrics, group: str | None = None) -> None:
    """Land a source's topic until a signal stops it, or until its end.

    A consumer that runs until the end is a batch job that its scheduler can start again, so it does not wait for a
    broker or a database that is away at the start; any other consumer does.

    Raises:
        StreamingError: see `streaming.errors`; what was landed before stays landed, and the next consumer continues.
        WarehouseError, psycopg2.Error: the database refuses the connection or a batch; likewise.
    """
    contract = read_contract(source)
    stopping = threading.Event()
    setup = ConsumerSetup(source, contract, group or f"waybill-{source.source}", metrics, stopping)
    with _stopped_by_signals(stopping), ExitStack() as resources:
        open_loop = open_consumer if options.until_end else open_when_available
        loop = open_loop(setup, resources)
        if loop:
            loop.run(options)


@contextmanager
def _stopped_by_signals(stopping: threading.Event) -> Iterator[None]:
    """On the first signal, finish the current batches and stop; on the second, or if that takes too long, exit at once.

    The database or the broker may be away, or hang. What was landed stays landed, and the next consumer continues.
    """

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        last_resort.start()

    last_resort = threading.Timer(STOP_SECONDS, ctrl_c.exit_now)
    last_resort.daemon = True
    before = {number: signal.getsignal(number) for number in ctrl_c.SIGNALS}
    for number in ctrl_c.SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        last_resort.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(
    help="Example: waybill consume flights --until-end\n\n"
    "Land the messages of SOURCE's topic in its raw table. Reading resumes at the offset in the ledger: "
    "start and stop as many consumers as you like."
)
@click.argument("source")
@click.option("--topic", help="Read another topic than the one that SOURCE declares.")
@click.option("--until-end", is_flag=True, help="Stop at the offsets where the topic ended at the start.")
@click.option("--accept-gap", is_flag=True, help="Continue after messages that the topic no longer holds.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics on 127.0.0.1.")
@click.option("--group", help="The consumer group; waybill-SOURCE by default.")
def main(
    source: str, topic: str | None, until_end: bool, accept_gap: bool, metrics_port: int | None, group: str | None
) -> None:
    """Consume, then print what became of the messages."""
    if logging.getLogger().getEffectiveLevel() > logging.INFO:
        logging.getLogger("streaming").setLevel(logging.INFO)
    metrics = ConsumerMetrics(source)
    if metrics_port:
        metrics.serve(metrics_port)
    consume(with_topic(read_source(source), topic), ConsumerOptions(until_end, accept_gap), metrics, group)
    click.echo(metrics.summary)


if __name__ == "__main__":
    run(main, "python -m streaming.consumer")
