"""`python -m streaming.consumer`: a source's topic into its raw table, each message once, whatever dies on the way."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from uuid import UUID

import click
from kafka import KafkaConsumer

from loader.checking.contracts import Contract, read_contract
from loader.declarations import Source, read_source
from loader.landing.raw_tables import make_raw_tables
from streaming.cluster import (
    BOOTSTRAP_MS,
    TopicWatch,
    client_options,
    find_topic,
    from_topic,
    topic_name,
    unreachable_said,
)
from streaming.consuming.health import Health
from streaming.consuming.landing import TopicFeed
from streaming.consuming.loop import ConsumerLoop, ConsumerOptions
from warehouse.connection import forget
from warehouse.errors import ServerNotStarted
from warehouse.runs import recorded_run
from waybill.backoff import Backoff, is_transient
from waybill.cli import run
from waybill.settings import get_settings

POLL_RECORDS = 20_000
PARTITION_BYTES = 16 << 20
FETCH_BYTES = 64 << 20
CLOSE_MS = 5_000
SESSION_MS = 10_000  # a killed consumer's partitions are free after it; one that wakes later cannot write

logger = logging.getLogger(__name__)


def consume(source: Source, terms: ConsumerOptions, health: Health, group: str | None = None) -> None:
    """Land a source's topic until a signal stops it, or to its end.

    Raises:
        StreamingError: see `streaming.errors`; what was landed before is, and the next consumer goes on from there.
        WarehouseError, psycopg2.Error: the database refuses us, or a batch; likewise.
    """
    contract = read_contract(source)
    stopping = threading.Event()
    with _stopped_by_signals(stopping), ExitStack() as opened:
        open_all = partial(_open, source, contract, health, group or f"waybill-{source.source}", stopping)
        intake = _opened_at_last(open_all, opened, terms, stopping)
        if intake:
            intake.run(terms)


def _opened_at_last(
    open_all: Callable[[ExitStack], ConsumerLoop], opened: ExitStack, terms: ConsumerOptions, stopping: threading.Event
) -> ConsumerLoop | None:
    """Open all that it takes once broker and database are there; None when it is to stop before.

    One that runs to the end is a batch job, which whoever started it can start again: it waits for neither.
    """
    backoff = Backoff(stopping=stopping)
    while not stopping.is_set():
        try:
            with ExitStack() as attempt:
                intake = open_all(attempt)
                opened.push(attempt.pop_all())
                return intake
        except Exception as error:
            if terms.until_end or isinstance(error, ServerNotStarted) or not is_transient(error):
                raise
            forget()
            backoff.wait(error)
    return None


def _open(
    source: Source, contract: Contract, health: Health, group: str, stopping: threading.Event, opened: ExitStack
) -> ConsumerLoop:
    """Open raw tables, the record of the run and the clients, to be closed in the reverse order."""
    topic = find_topic(topic_name(source))
    make_raw_tables()
    run_id = opened.enter_context(_recorded(f"consume {source.source} {topic.name}"))
    opened.callback(forget)  # an embedded server that was killed is started again to record the run's end
    options = client_options()
    opened.enter_context(unreachable_said(options))
    consumer = KafkaConsumer(
        **options,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=SESSION_MS // 4,
        max_poll_records=POLL_RECORDS,
        max_partition_fetch_bytes=PARTITION_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
    opened.callback(consumer.close, timeout_ms=CLOSE_MS)
    consumer.partitions_for_topic(topic.name)  # or the first assignment would be an empty one
    watch = TopicWatch(topic)
    opened.callback(watch.close)
    origin = TopicFeed(source, contract, get_settings().waybill_max_document_bytes, run_id)
    return ConsumerLoop(consumer, watch, origin, health, stopping)


@contextmanager
def _recorded(command: str) -> Iterator[UUID]:
    """Record the run; an end that the ledger cannot be told of, since it is away, makes no failure of it."""
    is_done = False
    try:
        with recorded_run(command) as run_id:
            yield run_id
            is_done = True
    except Exception as error:
        if not (is_done and is_transient(error)):
            raise
        reason = str(error).strip().partition("\n")[0]
        logger.warning("the run's end could not be recorded; what was landed is reason=%s", reason)


@contextmanager
def _stopped_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Have SIGTERM and ctrl-C end the loop after what is under way; a second one ends the process."""

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(
    help="Example: python -m streaming.consumer flights --until-end\n\n"
    "Land SOURCE's topic in its raw table. The position is the ledger's: start and stop as many of them as you like."
)
@click.argument("source")
@click.option("--topic", help="Another topic than the one that SOURCE declares.")
@click.option("--until-end", is_flag=True, help="Stop where the topic ended at the start.")
@click.option("--accept-gap", is_flag=True, help="Go on behind messages that the topic does not hold any more.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics on 127.0.0.1.")
@click.option("--group", help="The consumer group; waybill-SOURCE by default.")
def main(
    source: str, topic: str | None, until_end: bool, accept_gap: bool, metrics_port: int | None, group: str | None
) -> None:
    """Consume, and say what became of the messages."""
    if logging.getLogger().getEffectiveLevel() > logging.INFO:
        logging.getLogger("streaming").setLevel(logging.INFO)
    health = Health(source)
    if metrics_port:
        health.serve(metrics_port)
    consume(from_topic(read_source(source), topic), ConsumerOptions(until_end, accept_gap), health, group)
    click.echo(health.summary)


if __name__ == "__main__":
    run(main, "python -m streaming.consumer")
