"""Counts requests, predictions and stored answers, for Prometheus. No label has more values than routes or tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
OTHER = "other"  # a path that is no route
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

States = Callable[[], Iterable["TaskState"]]


@dataclass(frozen=True)
class TaskState:
    """A task as the API serves it now; without a model id its model is refused. `is_stale` is None if unknown."""

    task: str
    model_id: str | None
    is_stale: bool | None


class ApiMetrics:
    """The figures of one process; all of them start at zero."""

    def __init__(self, states: States, writer: Any) -> None:
        """Count requests; ask for the states and for the writer's counters when the figures are read."""
        self.registry = CollectorRegistry()
        registry = self.registry
        self._requests = Counter(
            "waybill_api_requests", "Requests, by route, method and status.", ["route", "method", "status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "waybill_api_request_seconds", "Seconds from a request's headers to its answer.", ["route"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self._predictions = Counter("waybill_api_predictions", "Rows predicted.", ["task"], registry=registry)
        self._states = states
        self._writer = writer
        registry.register(self)  # type: ignore[arg-type]

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(route, method if method in METHODS else OTHER, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_predictions(self, task: str, rows: int) -> None:
        """Count the rows of an answer."""
        self._predictions.labels(task).inc(rows)

    def collect(self) -> Iterable[Metric]:
        """Yield what is known when Prometheus asks."""
        yield CounterMetricFamily("waybill_api_answers_written", "Answers stored.", value=self._writer.written)
        yield CounterMetricFamily("waybill_api_answers_lost", "Answers not stored.", value=self._writer.lost)
        yield GaugeMetricFamily("waybill_api_answers_waiting", "Answers not stored yet.", value=self._writer.waiting)
        info = GaugeMetricFamily("waybill_api_model_info", "The model that answers.", labels=["task", "model_id"])
        ready = GaugeMetricFamily("waybill_api_model_ready", "1 if the task's model answers, else 0.", labels=["task"])
        stale = GaugeMetricFamily(
            "waybill_api_model_stale", "1 if the model's training rows have changed, 0 if not; absent if unknown.",
            labels=["task"],
        )  # fmt: skip
        for state in self._states():
            ready.add_metric([state.task], float(state.model_id is not None))
            if state.model_id is not None:
                info.add_metric([state.task, state.model_id], 1)
            if state.is_stale is not None:
                stale.add_metric([state.task], float(state.is_stale))
        yield from (info, ready, stale)

    @property
    def page(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


class CountRequests:
    """Counts every request to an ASGI app; `route_of` returns the route's template of a scope that was routed."""

    def __init__(self, app: Any, metrics: ApiMetrics, route_of: Callable[[Any], str]) -> None:
        """Wrap an ASGI app."""
        self.app = app
        self._metrics = metrics
        self._route_of = route_of

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on the request, and count its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()

        async def send_counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - start
                self._metrics.count_request(self._route_of(scope), scope["method"], message["status"], seconds)
            await send(message)

        await self.app(scope, receive, send_counted)
