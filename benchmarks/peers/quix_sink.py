# waybill: sample
"""Copies a topic into PostgreSQL with Quix Streams' own sink. Runs in its own environment."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

from quixstreams import Application
from quixstreams.sinks.community.postgresql import PostgreSQLSink


class TimedSink(PostgreSQLSink):  # type: ignore[misc]
    """Records when the first message arrives, so that the start-up is not counted."""

    started: float | None = None

    def add(self, *arguments: Any, **options: Any) -> None:
        """Take a message."""
        if self.started is None:
            self.started = time.monotonic()
        super().add(*arguments, **options)


def main(server: str, topic: str, count: str, login: str) -> None:
    """Sink `count` messages; print the seconds as JSON."""
    sink = TimedSink(table_name="quix_flights", **json.loads(login))
    application = Application(server, consumer_group=f"quix-{time.time_ns()}", auto_offset_reset="earliest")
    frame = application.dataframe(application.topic(topic, value_deserializer="json"))
    frame.sink(sink)
    application.run(count=int(count))
    seconds = time.monotonic() - (sink.started or 0.0)
    print(json.dumps({"seconds": seconds, "version": version("quixstreams")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
