"""Sends documents to a source's topic and waits for their acknowledgements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from loader.declarations import Source
from streaming.cluster import client_options, translate_kafka_errors
from streaming.errors import NotAcknowledged
from streaming.producing.delivery_report import DeliveryReport
from streaming.producing.documents import Document, Pace, paced_documents
from streaming.topics import find_topic, topic_name

LINGER_MS = 20
BATCH_BYTES = 256 << 10
FLUSH_SECONDS = 130
PROGRESS_DOCUMENTS = 500
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")


def _ignore(report: DeliveryReport) -> None:
    pass


@dataclass(frozen=True)
class ProducerOptions:
    """How documents are sent: pace and compression, and what is called with the report as it grows and at the end."""

    pace: Pace = field(default_factory=Pace)
    compression: str = "lz4"
    on_progress: Callable[[DeliveryReport], None] = _ignore


DEFAULTS = ProducerOptions()


def produce(source: Source, files: tuple[str, ...], options: ProducerOptions = DEFAULTS) -> DeliveryReport:
    """Send the documents of files to the source's topic and wait for every acknowledgement.

    The bytes are sent unchanged, invalid documents too. The message key is the business key as a JSON array; a
    document without one has no key. The producer is idempotent with acks=all: as long as the process lives, a retry
    neither duplicates nor reorders messages.

    Raises:
        BrokerUnreachable, TopicUnknown: see `streaming.errors`.
        NotAcknowledged: not every document was acknowledged; the message says how many and why.
    """
    topic = find_topic(topic_name(source)).name
    client = client_options()
    with translate_kafka_errors(client):
        producer = _create_producer(client, options.compression)
    report = DeliveryReport()
    try:
        with translate_kafka_errors(client):
            try:
                for document in paced_documents(source, files, options.pace, report):
                    _send(producer, topic, document, report)
                    if report.sent % PROGRESS_DOCUMENTS == 0:
                        options.on_progress(report)
            finally:  # after ctrl-C, too, the report counts what was acknowledged
                with suppress(KafkaTimeoutError):
                    producer.flush(FLUSH_SECONDS)
    finally:
        producer.close(timeout=1)
        options.on_progress(report)
    if report.acknowledged < report.sent:
        missing = report.sent - report.acknowledged
        reasons = "; ".join(report.reasons) or "the broker did not answer in time"
        raise NotAcknowledged(f"{missing:,} of {report.sent:,} documents were not acknowledged: {reasons}")
    return report


def _create_producer(client: dict[str, Any], compression: str) -> KafkaProducer:
    return KafkaProducer(
        **client,
        acks="all",
        enable_idempotence=True,
        compression_type=None if compression == "none" else compression,
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
    )


def _send(producer: KafkaProducer, topic: str, document: Document, report: DeliveryReport) -> None:
    def fail(error: BaseException) -> None:
        report.fail(document.coordinate, error)

    report.sent += 1
    try:
        future = producer.send(topic, value=document.raw, key=document.key)
    except MessageSizeTooLargeError as error:
        fail(error)
        return
    future.add_callback(report.acknowledge)
    future.add_errback(fail)
