"""Counts what one consumer landed, its lag and its last commit: as a log line and as Prometheus metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from loader.landing.batch import Batch
from streaming.consuming.landing import TopicFeed
from streaming.errors import PortTaken
from waybill.background_processes import LOOPBACK

LOG_SECONDS = 10.0

logger = logging.getLogger(__name__)


class ConsumerMetrics:
    """The figures of one consumer process; all of them start at zero."""

    def __init__(self, source: str) -> None:
        """Create the metrics of a source."""
        self.registry = CollectorRegistry()
        self.landed = self.rejected = self.skipped = self.batches = 0
        self.lag = 0
        self.committed_at: datetime | None = None
        self._source = source
        self._next_log_at = time.monotonic() + LOG_SECONDS
        labels, registry = ["source"], self.registry
        self._documents = Counter(
            "waybill_documents", "Documents read, by outcome.", [*labels, "outcome"], registry=registry
        )
        self._batches = Counter("waybill_batches", "Batches committed.", labels, registry=registry)
        self._lag = Gauge(
            "waybill_lag_messages", "Messages in the topic that have not been landed yet.", labels, registry=registry
        )
        self._committed_at = Gauge(
            "waybill_last_commit_seconds", "Time of the last commit, in Unix seconds.", labels, registry=registry
        )

    def serve(self, port: int) -> None:
        """Serve the metrics at `/metrics` on loopback, which only this machine can reach.

        Raises:
            PortTaken: another process listens on the port.
        """
        try:
            start_http_server(port, addr=LOOPBACK, registry=self.registry)
        except OSError as error:
            raise PortTaken(
                f"cannot serve metrics on {LOOPBACK}:{port}: {error.strerror}; choose another --metrics-port"
            ) from None

    def count(self, batch: Batch[TopicFeed]) -> None:
        """Count a batch that was committed."""
        counts = {"landed": batch.landed, "rejected": len(batch.rejects), "skipped": batch.skipped}
        for outcome, documents in counts.items():
            setattr(self, outcome, getattr(self, outcome) + documents)
            self._documents.labels(self._source, outcome).inc(documents)
        self.batches += 1
        self.committed_at = datetime.now(UTC)
        self._batches.labels(self._source).inc()
        self._committed_at.labels(self._source).set(self.committed_at.timestamp())

    def report_lag(self, lags: Mapping[int, int]) -> None:
        """Record the lag of each partition, and log the summary every LOG_SECONDS."""
        self.lag = sum(lags.values())
        self._lag.labels(self._source).set(self.lag)
        if time.monotonic() >= self._next_log_at:
            self._next_log_at = time.monotonic() + LOG_SECONDS
            logger.info("%s", self.summary)

    @property
    def summary(self) -> str:
        """One line for a person."""
        last = f"{self.committed_at:%Y-%m-%dT%H:%M:%SZ}" if self.committed_at else "none"
        return (
            f"landed {self.landed:,}, rejected {self.rejected:,}, skipped {self.skipped:,} in {self.batches:,} batches;"
            f" lag {self.lag:,}; last commit {last}"
        )
