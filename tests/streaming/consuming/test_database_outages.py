"""The consumer waits while the database is away, and stops at errors that waiting does not fix."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import OperationalError
from psycopg2.errors import ProgramLimitExceeded

from loader.declarations import read_source
from streaming.consumer import consume
from streaming.consuming.ledger_offsets import load_assignments
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.consuming.writer import Writer
from tests.crash.servers import kill, processes
from tests.support.external_server import ExternalServer, external_server
from tests.support.kafka.things import Things, thing, until
from warehouse import embedded
from warehouse.connection import current_warehouse, forget
from warehouse.errors import ServerAway, ServerUnreachable


@pytest.fixture
def unmanaged_server(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExternalServer]:
    """Name a server that no command restarts; a test has to ask for it before `things`."""
    with external_server() as server:
        for name, value in server.variables("creator", tmp_path).items():
            monkeypatch.setenv(name, value)
        yield server
    forget()


def test_it_waits_for_an_unavailable_database(unmanaged_server: ExternalServer, things: Things) -> None:
    things.send(*map(thing, range(500)))
    process, output = things.start(), ""
    assert process.stderr
    try:
        until(lambda: len(things.landed()) == 500)
        unmanaged_server.stop()
        things.send(*map(thing, range(500, 1000)))
        while output.count("transient error, trying again") < 3:
            line = process.stderr.readline()
            assert line, output
            output += line.decode()
        unmanaged_server.start()
        until(lambda: len(things.landed()) == 1000)
    finally:
        process.terminate()
        output += process.communicate(timeout=40)[1].decode()
    assert process.returncode == 0, output
    assert things.landed() == list(range(1000))
    assert things.books() == (1000, 1000, 0, 0)
    pauses = re.findall(r"trying again seconds=([\d.]+) attempt=\d+ error=\S", output)
    assert pauses[:3] == ["0.5", "1.0", "2.0"], output


def test_a_killed_embedded_database_is_restarted(things: Things) -> None:
    paths = current_warehouse().server
    assert paths
    things.send(*map(thing, range(500)))
    process = things.start()
    try:
        until(lambda: len(things.landed()) == 500)
        kill(processes(paths))
        things.send(*map(thing, range(500, 1000)))
        until(lambda: embedded.accepts_connections(paths))
        until(lambda: len(things.landed()) == 1000)
    finally:
        process.terminate()
        output = process.communicate(timeout=40)[1].decode()
    assert process.returncode == 0, output
    assert things.books() == (1000, 1000, 0, 0)


def test_it_waits_for_the_database_during_assignment(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))
    struck: list[bool] = []

    def load_meanwhile(*arguments: Any, **options: Any) -> Any:
        if not struck:
            struck.append(True)
            paths = current_warehouse().server
            assert paths
            kill(processes(paths))
        return load_assignments(*arguments, **options)

    monkeypatch.setattr("streaming.consuming.loop.load_assignments", load_meanwhile)
    assert things.consume().landed == 10


def test_permanent_errors_stop_it_and_unexplained_ones_do_not(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(thing(1))
    failures: list[Exception] = [OperationalError(""), ProgramLimitExceeded("row is too big")]

    def fail(connection: Any, ranges: Any) -> Any:
        raise failures.pop(0)

    monkeypatch.setattr("streaming.consuming.writer.land_poll", fail)
    with pytest.raises(ProgramLimitExceeded):
        things.consume()
    assert failures == []


def test_closing_the_writer_does_not_wait_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def be_away(role: str) -> Any:
        raise ServerAway("it is away")

    monkeypatch.setattr("streaming.consuming.writer.connect", be_away)
    writer = Writer()
    assert all(writer.offer([], 1) for _ in range(3))
    time.sleep(1)
    started = time.monotonic()
    writer.close(30)
    assert time.monotonic() - started < 5


def test_it_stops_in_time_without_a_database(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(thing(1))

    def be_away(*anything: Any) -> Any:
        raise ServerAway("it is away")

    class GoingAway(ConsumerMetrics):
        def report_lag(self, lags: Any) -> None:
            super().report_lag(lags)
            if self.landed and not struck:
                struck.append(True)
                for name in (
                    "streaming.consuming.writer.land_poll",
                    "streaming.consuming.writer.connect",
                    "warehouse.reconnecting.connect",
                ):
                    monkeypatch.setattr(name, be_away)
                things.send(thing(2))
                threading.Timer(2, os.kill, [os.getpid(), signal.SIGTERM]).start()

    struck: list[bool] = []
    monkeypatch.setattr("waybill.backoff.PAUSES_SECONDS", (0.01, 0.5))
    started = time.monotonic()
    metrics = GoingAway("things")
    consume(read_source("things"), ConsumerOptions(), metrics)
    assert struck
    assert time.monotonic() - started < 25
    assert things.landed() == [1]
    assert metrics.lag == 1, "messages that were read and did not land count as lag"


def test_it_stops_when_its_login_is_refused(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(role: str) -> Any:
        raise ServerUnreachable("password authentication failed")

    monkeypatch.setattr("streaming.consuming.writer.connect", refuse)
    things.send(thing(1))
    with pytest.raises(ServerUnreachable, match="password authentication failed"):
        consume(read_source("things"), ConsumerOptions(), ConsumerMetrics("things"))
