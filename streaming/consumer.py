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
from waybill.cli import TRY_AGAIN, run

STOP_SECONDS = 15  # for the current batches, the record of the run and the client's last request


def consume(source: Source, options: ConsumerOptions, metrics: ConsumerMetrics, group: str | None = None) -> bool:
    """Land a source's topic until a signal stops it, or until its end; return True if it has reached this end.

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
        return loop.run(options) if loop else False


def _consume_every(options: ConsumerOptions, metrics_port: int | None) -> bool:
    """Consume the topics of all sources; return False if a signal stopped it."""
    from streaming import every_source

    given = [("--until-end", options.until_end), ("--accept-gap", options.accepts_gap)]
    stopping = threading.Event()
    with _stopped_by_signals(stopping, every_source.STOP_SECONDS + STOP_SECONDS):
        every_source.consume_every([name for name, is_set in given if is_set], metrics_port, stopping)
        return not stopping.is_set()


@contextmanager
def _stopped_by_signals(stopping: threading.Event, seconds: float = STOP_SECONDS) -> Iterator[None]:
    """On the first signal, finish the current batches and stop; on the second, or if that takes too long, exit at once.

    The database or the broker may be away, or hang. What was landed stays landed, and the next consumer continues.
    """

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        last_resort.start()

    last_resort = threading.Timer(seconds, ctrl_c.exit_now)
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
    help="Example: waybill consume orders --until-end\n\n"
    "Land the messages of SOURCE's topic in its raw table; without SOURCE, those of every source with a topic. "
    "Reading resumes at the offset in the ledger: start and stop as many consumers as you like."
)
@click.argument("source", required=False)
@click.option("--topic", help="Read another topic than the one that SOURCE declares.")
@click.option("--until-end", is_flag=True, help="Stop at the offsets where the topic ended at the start.")
@click.option("--accept-gap", is_flag=True, help="Continue after messages that the topic no longer holds.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics on 127.0.0.1.")
@click.option("--group", help="The consumer group; waybill-SOURCE by default.")
def main(
    source: str | None,
    topic: str | None,
    until_end: bool,
    accept_gap: bool,
    metrics_port: int | None,
    group: str | None,
) -> int:
    """Consume, then print what became of the messages; a job that was stopped before the end can be started again."""
    if logging.getLogger().getEffectiveLevel() > logging.INFO:
        logging.getLogger("streaming").setLevel(logging.INFO)
    if source is None:
        if topic is not None or group is not None:
            raise click.UsageError("--topic and --group belong to one source: name it")
        is_at_end = _consume_every(ConsumerOptions(until_end, accept_gap), metrics_port)
        return TRY_AGAIN if until_end and not is_at_end else 0
    metrics = ConsumerMetrics(source)
    if metrics_port:
        metrics.serve(metrics_port)
    is_at_end = consume(with_topic(read_source(source), topic), ConsumerOptions(until_end, accept_gap), metrics, group)
    click.echo(metrics.summary)
    return TRY_AGAIN if until_end and not is_at_end else 0


if __name__ == "__main__":
    run(main, "python -m streaming.consumer")
