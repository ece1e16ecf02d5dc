"""How the consumer fares: documents, lag and the last commit, as a log line and as Prometheus metrics on loopback."""

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

LINE_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Health:
    """Counts what one consumer lands; every figure is of this process and begins at zero."""

    def __init__(self, source: str) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self.landed = self.rejected = self.skipped = self.batches = 0
        self.lag = 0
        self.committed_at: datetime | None = None
        self._source = source
        self._next_line = time.monotonic() + LINE_SECONDS
        named, here = ["source"], self.registry
        self._documents = Counter(
            "waybill_documents", "Documents read, by what became of them.", [*named, "outcome"], registry=here
        )
        self._batches = Counter("waybill_batches", "Batches committed.", named, registry=here)
        self._lag = Gauge(
            "waybill_lag_messages", "Messages in the topic that are not landed yet.", named, registry=here
        )
        self._committed_at = Gauge(
            "waybill_last_commit_seconds", "Time of the last commit, Unix seconds.", named, registry=here
        )

    def serve(self, port: int) -> None:
        """Serve the metrics at `/metrics`, to this machine alone.

        Raises:
            PortTaken: another process listens there.
        """
        try:
            start_http_server(port, addr=LOOPBACK, registry=self.registry)
        except OSError as error:
            raise PortTaken(
                f"metrics cannot be served on {LOOPBACK}:{port}: {error.strerror}; give another --metrics-port"
            ) from None

    def count(self, part: Batch[TopicFeed]) -> None:
        """Count a batch that was committed."""
        counts = {"landed": part.landed, "rejected": len(part.rejects), "skipped": part.skipped}
        for outcome, documents in counts.items():
            setattr(self, outcome, getattr(self, outcome) + documents)
            self._documents.labels(self._source, outcome).inc(documents)
        self.batches += 1
        self.committed_at = datetime.now(UTC)
        self._batches.labels(self._source).inc()
        self._committed_at.labels(self._source).set(self.committed_at.timestamp())

    def say_lag(self, lags: Mapping[int, int]) -> None:
        """Take the lag of each partition; say how it goes from time to time."""
        self.lag = sum(lags.values())
        self._lag.labels(self._source).set(self.lag)
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            logger.info("%s", self.summary)

    @property
    def summary(self) -> str:
        """One line for a person."""
        last = f"{self.committed_at:%Y-%m-%dT%H:%M:%SZ}" if self.committed_at else "none"
        return (
            f"landed {self.landed:,}, rejected {self.rejected:,}, skipped {self.skipped:,} in {self.batches:,} batches;"
            f" lag {self.lag:,}; last commit {last}"
        )
