"""The consumer's loop: polls the topic, checks the messages, hands batches to the writer and collects the results."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from loader.errors import Overtaken
from streaming.consuming.assignments import Assignments
from streaming.consuming.gc_pauses import GcPauses
from streaming.consuming.landing import PartitionBatch, TopicFeed
from streaming.consuming.ledger_offsets import load_assignments
from streaming.consuming.metrics import ConsumerMetrics
from streaming.consuming.read_errors import translate_read_errors
from streaming.consuming.writer import Writer
from streaming.topics import TopicWatch
from warehouse.connection import forget
from waybill.backoff import Backoff, is_transient

POLL_MS = 500
OFFER_SECONDS = 1.0
CLOSE_SECONDS = 10.0
TOPIC_CHECK_SECONDS = 5.0
WRITER_WAIT_SECONDS = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConsumerOptions:
    """Whether to stop at the end of the topic, and whether to continue after a gap."""

    until_end: bool = False
    accepts_gap: bool = False


class ConsumerLoop:
    """Reads the partitions that the group assigns, from the ledger's offsets on, and lands them through the writer."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        watch: TopicWatch,
        feed: TopicFeed,
        metrics: ConsumerMetrics,
        stopping: threading.Event,
    ) -> None:
        """Take an open Kafka client, whose own offsets are never used, and the event that stops the loop."""
        self._consumer = consumer
        self._watch = watch
        self._topic = watch.topic.name
        self._feed = feed
        self._metrics = metrics
        self._gc_pauses = GcPauses()
        self._assignments = Assignments(consumer, self._topic)
        self.stopping = stopping

    def run(self, options: ConsumerOptions) -> bool:
        """Consume until stopped, or until each partition's end at the time it was assigned; return True at this end.

        Each turn:
        1. start newly assigned partitions at the ledger's offsets,
        2. poll,
        3. check that the topic is still the same,
        4. check the documents and hand one batch a partition to the writer,
        5. collect results; Kafka's own offsets follow the ledger.

        Raises:
            StreamingError: see `streaming.errors`; what was landed before stays landed.
            KafkaError, WarehouseError, psycopg2.Error: an error that is not worth a retry; likewise.
        """
        self._consumer.subscribe([self._topic], listener=self._assignments)
        writer = Writer()
        try:
            with self._gc_pauses.manual_collection():
                while not self.stopping.is_set():
                    if self._retry(lambda: self._turn(writer, options)):
                        return True
                return False
        finally:
            writer.close(CLOSE_SECONDS)
            self._collect_results(writer)
            self._report_lag()

    def _turn(self, writer: Writer, options: ConsumerOptions) -> bool:
        """Do one turn; return True when the end was reached and `until_end` is set."""
        self._gc_pauses.collect_if_due()
        self._watch.check(TOPIC_CHECK_SECONDS)
        self._start_new_partitions(writer, options)  # 1.
        records = self._poll()  # 2.
        if records:
            self._watch.check()  # 3.
            self._hand_over(self._assignments.take_batches(records, self._feed), writer)  # 4.
        self._collect_results(writer)  # 5.
        self._report_lag()
        return options.until_end and writer.is_idle and self._is_at_end()

    def _retry(self, work: Callable[[], bool]) -> bool:
        """Do the work, again after each transient error of broker or database; unlanded messages are read again."""
        backoff = Backoff(stopping=self.stopping)
        while not self.stopping.is_set():
            try:
                return work()
            except Exception as error:
                if not is_transient(error):
                    raise
                self._assignments.seek_all()
                self._report_lag()
                forget()  # the next connection restarts an embedded server that was killed
                backoff.wait(error)
        return False

    def _start_new_partitions(self, writer: Writer, options: ConsumerOptions) -> None:
        self._assignments.apply_rebalances()
        while self._assignments.new and not writer.is_idle and not self.stopping.is_set():
            # batches that are still being written are not in the ledger yet, and would look like a gap
            self._stay_in_group()
            self._collect_results(writer)
            self.stopping.wait(WRITER_WAIT_SECONDS)
        new = sorted(self._assignments.new)
        if not new or self.stopping.is_set():
            return
        try:
            started = load_assignments(self._consumer, self._watch, new, self._feed, accepts_gap=options.accepts_gap)
        except Overtaken:
            logger.info("another consumer accepted the gap first, starting partitions again topic=%s", self._topic)
            return
        self._assignments.start(started)
        offsets = ", ".join(f"{number} at {assignment.offset:,}" for number, assignment in started.items())
        logger.info("reading partitions topic=%s partitions=%s", self._topic, offsets)

    def _poll(self, timeout_ms: int = POLL_MS) -> Mapping[TopicPartition, Sequence[Any]]:
        try:
            with translate_read_errors(self._topic, self._assignments.offsets):
                records: Mapping[TopicPartition, Sequence[Any]] = self._consumer.poll(timeout_ms=timeout_ms)
                return records
        except OffsetOutOfRangeError as error:  # the log lost messages: compare these partitions with it again
            self._assignments.restart({tp.partition for tp in error.args[0]})
            return {}

    def _hand_over(self, batches: list[PartitionBatch], writer: Writer) -> None:
        """Hand batches to the writer; while its queue is full, stay in the group without reading on."""
        try:
            while batches and not writer.offer(batches, OFFER_SECONDS):
                if self.stopping.is_set():
                    return
                self._stay_in_group()
                self._collect_results(writer)
        except KafkaError:
            self._assignments.reread(batches)
            raise

    def _stay_in_group(self) -> None:
        """Poll with every partition paused, so that the group keeps this consumer as a member."""
        self._gc_pauses.collect_if_due()
        self._assignments.pause_all()
        if self._poll(0):
            self._assignments.seek_all()
        self._assignments.apply_rebalances()
        self._assignments.resume_started()
        self._report_lag()

    def _collect_results(self, writer: Writer) -> None:
        """Collect what the writer landed, and commit the offsets in Kafka, where only lag tools read them."""
        offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        for result in writer.landed():
            number = result.entry.partition
            if self._assignments.apply_result(result):
                logger.info("another consumer was first, continuing at the ledger's offset partition=%s", number)
            if not result.is_lost:
                self._metrics.count(result.entry.batch)
                offsets[self._assignments.held.partition(number)] = OffsetAndMetadata(result.offset, "", -1)
        if offsets:
            self._consumer.commit_async(offsets, callback=_log_failed_commit)

    def _report_lag(self) -> None:
        self._metrics.report_lag(self._assignments.lags())

    def _is_at_end(self) -> bool:
        self._assignments.apply_rebalances()
        if self._assignments.is_empty:
            logger.warning("no partition was assigned to this consumer: other members of its group have all of them")
            return True
        return self._assignments.are_at_end()


def _log_failed_commit(offsets: object, response: object) -> None:
    if isinstance(response, Exception):
        logger.debug("offsets not committed in Kafka, where only lag tools read them reason=%s", response)
