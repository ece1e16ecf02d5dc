"""Opens what a consumer needs: raw tables, the record of its run, the Kafka client, the watch on the topic."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import UUID

from loader.checking.contracts import Contract
from loader.declarations import Source
from loader.landing.raw_tables import make_raw_tables
from streaming.cluster import client_options, translate_kafka_errors
from streaming.consuming.client import create_client
from streaming.consuming.landing import TopicFeed
from streaming.consuming.loop import ConsumerLoop
from streaming.consuming.metrics import ConsumerMetrics
from streaming.topics import TopicWatch, find_topic, topic_name
from warehouse.connection import forget
from warehouse.errors import ServerNotStarted
from warehouse.runs import recorded_run
from waybill.backoff import Backoff, is_transient
from waybill.observing.work import observed
from waybill.settings import get_settings

CLOSE_MS = 5_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConsumerSetup:
    """What a consumer is opened for: its source and contract, its group, its metrics and the event that stops it."""

    source: Source
    contract: Contract
    group: str
    metrics: ConsumerMetrics
    stopping: threading.Event


def open_when_available(setup: ConsumerSetup, resources: ExitStack) -> ConsumerLoop | None:
    """Open a consumer, waiting for a broker or a database that is away; None when it is stopped before."""
    backoff = Backoff(stopping=setup.stopping)
    while not setup.stopping.is_set():
        try:
            return open_consumer(setup, resources)
        except Exception as error:
            if isinstance(error, ServerNotStarted) or not is_transient(error):
                raise
            forget()
            backoff.wait(error)
    return None


def open_consumer(setup: ConsumerSetup, resources: ExitStack) -> ConsumerLoop:
    """Open a consumer; `resources` closes it, in reverse order. When opening fails, nothing stays open."""
    with ExitStack() as attempt:
        loop = _open(setup, attempt)
        resources.push(attempt.pop_all())
        return loop


def _open(setup: ConsumerSetup, opened: ExitStack) -> ConsumerLoop:
    source = setup.source
    topic = find_topic(topic_name(source))
    make_raw_tables()
    run_id = opened.enter_context(_recorded_run(f"consume {source.source} {topic.name}"))
    opened.callback(forget)  # an embedded server that was killed is restarted to record the run's end
    options = client_options()
    servers = options["bootstrap_servers"]
    announced = observed("consume", source.source, ledger_run=str(run_id), topic=topic.name, servers=servers)
    opened.enter_context(announced)
    opened.enter_context(translate_kafka_errors(options))
    client = create_client(options, setup.group)
    opened.callback(client.close, timeout_ms=CLOSE_MS)
    client.partitions_for_topic(topic.name)  # otherwise the first assignment would be empty
    watch = TopicWatch(topic)
    opened.callback(watch.close)
    feed = TopicFeed(source, setup.contract, get_settings().waybill_max_document_bytes, run_id)
    return ConsumerLoop(client, watch, feed, setup.metrics, setup.stopping)


@contextmanager
def _recorded_run(command: str) -> Iterator[UUID]:
    """Record the run in the ledger; if the database is away at its end, log that instead of failing."""
    is_done = False
    try:
        with recorded_run(command) as run_id:
            yield run_id
            is_done = True
    except Exception as error:
        if not (is_done and is_transient(error)):
            raise
        reason = str(error).strip().partition("\n")[0]
        logger.warning("the run's end could not be recorded; what was landed stays landed reason=%s", reason)
