"""`python -m streaming.producer`: documents from files to a source's topic, as they are, each acknowledged."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import click
import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from rich.console import Console
from rich.progress import Progress, TextColumn

from loader.declarations import Source, read_source
from loader.reading.contents import contents
from streaming.cluster import client_options, create_topic, find_topic, from_topic, topic_name, unreachable_said
from streaming.errors import NotAcknowledged
from waybill.cli import run
from waybill.json_pointers import split_pointer

LINGER_MS = 20
BATCH_BYTES = 256 << 10
FLUSH_SECONDS = 130
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")
MAX_NAMED = 3


@dataclass
class Sent:
    """What became of the documents: sent, acknowledged with the offsets of each partition; why the first few failed."""

    sent: int = 0
    acknowledged: int = 0
    unframed: int = 0
    offsets: dict[int, tuple[int, int]] = field(default_factory=dict)
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    def acknowledge(self, metadata: Any) -> None:
        """Count one acknowledgement and remember its offset."""
        self.acknowledged += 1
        first, last = self.offsets.get(metadata.partition, (metadata.offset, metadata.offset))
        self.offsets[metadata.partition] = (min(first, metadata.offset), max(last, metadata.offset))

    def fail(self, coordinate: str, error: BaseException) -> None:
        """Count one failure and remember it when it is one of the first."""
        self.failed += 1
        if self.failed <= MAX_NAMED:
            self.failures.append(f"{coordinate}: {error}")

    @property
    def summary(self) -> str:
        """One line for a person."""
        where = ", ".join(
            f"partition {number}: {low} to {high}" for number, (low, high) in sorted(self.offsets.items())
        )
        return f"sent {self.sent:,}, acknowledged {self.acknowledged:,}; offsets {where or 'none'}"


@dataclass(frozen=True)
class Pace:
    """How fast documents go and how often: documents a second (None: as fast as can be), again and again or once."""

    rate: float | None = None
    loop: bool = False


def produce(
    source: Source, files: tuple[str, ...], pace: Pace, *, compression: str = "lz4", show: Callable[[Sent], None]
) -> Sent:
    """Send the documents of files to the source's topic and wait for all acknowledgements.

    The bytes go as they are, bad ones too; the key is the business key as a JSON array, absent where it cannot be read.
    The producer is idempotent with acks=all: while the process lives, a retry neither doubles nor reorders.

    Raises:
        BrokerUnreachable, TopicUnknown: see `streaming.errors`.
        NotAcknowledged: not all that was sent was acknowledged; the message says how many and why.
    """
    topic = find_topic(topic_name(source)).name
    options = client_options()
    with unreachable_said(options):
        producer = KafkaProducer(
            **options,
            acks="all",
            enable_idempotence=True,
            compression_type=None if compression == "none" else compression,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
        )
    sent = Sent()
    try:
        with unreachable_said(options):
            try:
                _send_all(producer, topic, _documents(source, files, pace, sent), (source, sent, show))
            finally:  # ctrl-C, too, says what was acknowledged
                with suppress(KafkaTimeoutError):
                    producer.flush(FLUSH_SECONDS)
    finally:
        producer.close(timeout=1)
        show(sent)
    if sent.acknowledged < sent.sent:
        reasons = "; ".join(sent.failures) or "the broker did not answer in time"
        raise NotAcknowledged(f"{sent.sent - sent.acknowledged:,} of {sent.sent:,} not acknowledged: {reasons}")
    return sent


def _send_all(
    producer: KafkaProducer,
    topic: str,
    documents: Iterator[tuple[str, bytes]],
    context: tuple[Source, Sent, Callable[[Sent], None]],
) -> None:
    source, sent, show = context
    for coordinate, raw in documents:

        def fail(error: BaseException, coordinate: str = coordinate) -> None:
            sent.fail(coordinate, error)

        sent.sent += 1
        try:
            future = producer.send(topic, value=raw, key=business_key(source, raw))
        except MessageSizeTooLargeError as error:
            fail(error)
            continue
        future.add_callback(sent.acknowledge)
        future.add_errback(fail)
        if sent.sent % 500 == 0:
            show(sent)


def business_key(source: Source, raw: bytes) -> bytes | None:
    """Return the values of the source's key as a JSON array; None where a document is none or lacks one."""
    try:
        document = orjson.loads(raw)
        return orjson.dumps([_at(document, pointer) for pointer in source.key])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, LookupError, TypeError, ValueError):
        return None


def _at(document: Any, pointer: str) -> Any:
    for name in split_pointer(pointer):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _documents(source: Source, files: tuple[str, ...], pace: Pace, sent: Sent) -> Iterator[tuple[str, bytes]]:
    """Yield coordinate and bytes of each document, no faster than the pace says."""
    started, count = time.monotonic(), 0
    while True:
        before = count
        for coordinate, raw in contents(source, files):
            if raw is None:
                sent.unframed += 1
                continue
            count += 1
            if pace.rate:
                time.sleep(max(0.0, started + count / pace.rate - time.monotonic()))
            yield coordinate, raw
        if not pace.loop or count == before:
            return


@contextmanager
def _told(wanted: float | None) -> Iterator[Callable[[Sent], None]]:
    """Show what was sent and acknowledged so far, on a terminal only, and say it in the end, whatever the end was."""
    console = Console(stderr=True)
    column = TextColumn("{task.description}")
    latest: Sent | None = None
    progress = Progress(column, console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task("")
    started = time.monotonic()

    def show(sent: Sent) -> None:
        nonlocal latest
        latest = sent
        rate = sent.sent / max(time.monotonic() - started, 0.001)
        aim = f" of {wanted:,.0f}" if wanted else ""
        progress.update(task, description=f"sent {sent.sent:,}, acknowledged {sent.acknowledged:,}, {rate:,.0f}{aim}/s")

    try:
        with progress:
            yield show
    finally:
        if latest:
            click.echo(latest.summary)
            if latest.unframed:
                click.echo(f"{latest.unframed:,} ranges are no single document (too large, or after a break): not sent")


@click.command(
    help="Example: python -m streaming.producer flights data/raw/flights/flights-2013-12.ndjson --rate 1000\n\n"
    "Send the documents of FILES (or `-`; SOURCE's own files when none is given) to SOURCE's topic, as they are."
)
@click.argument("source")
@click.argument("files", nargs=-1)
@click.option("--topic", help="Another topic than the one that SOURCE declares.")
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Documents a second; without it, as fast as can be."
)
@click.option("--loop", is_flag=True, help="Begin again at the end, until ctrl-C.")
@click.option(
    "--create", "partitions", type=click.IntRange(min=1), help="Make the topic with so many partitions if missing."
)
@click.option("--compression", type=click.Choice(COMPRESSIONS), default="lz4", show_default=True)
def main(
    source: str,
    files: tuple[str, ...],
    topic: str | None,
    rate: float | None,
    loop: bool,
    partitions: int | None,
    compression: str,
) -> None:
    """Send, and say what was acknowledged."""
    declared = from_topic(read_source(source), topic)
    if partitions:
        create_topic(topic_name(declared), partitions)
    with _told(rate) as show:
        produce(declared, files, Pace(rate, loop), compression=compression, show=show)


if __name__ == "__main__":
    run(main, "python -m streaming.producer")
