"""The consumer waits while the broker is away, and stops when the broker refuses it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.errors import (
    GroupAuthorizationFailedError,
    NodeNotReadyError,
)
from psycopg2 import OperationalError

from loader.declarations import read_source
from loader.landing.raw_tables import make_raw_tables
from streaming.cluster import BOOTSTRAP_MS
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerLoop, ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.consuming.writer import Writer
from streaming.errors import (
    BrokerAway,
    BrokerUnreachable,
)
from streaming.local_broker.process import BrokerPaths, find_broker_process
from streaming.local_broker.server import start_broker, stop_broker
from tests.support.kafka.things import Things, thing, until
from warehouse.errors import ServerAway
from waybill.backoff import Backoff


def test_it_waits_for_an_unavailable_broker(things: Things, session_broker: BrokerPaths) -> None:
    process = things.start()
    try:
        things.send(*map(thing, range(100)))
        until(lambda: len(things.landed()) == 100)
        broker = find_broker_process(session_broker)
        assert broker
        broker.kill()
        broker.wait(10)
        time.sleep(2)
        start_broker(session_broker)
        things.send(*map(thing, range(100, 200)))
        until(lambda: len(things.landed()) == 200)
    finally:
        process.terminate()
        _, output = process.communicate(timeout=40)
    assert process.returncode == 0, output.decode()
    assert things.landed() == list(range(200))


def test_at_the_start_it_waits_for_both_unless_until_end(
    things: Things, session_broker: BrokerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(thing(1))
    stop_broker(session_broker)
    monkeypatch.setattr("streaming.cluster.BOOTSTRAP_MS", 1000)
    with pytest.raises(BrokerAway, match="cannot use Kafka"):
        things.consume()
    address = ("127.0.0.1", int(things.server.rpartition(":")[2]))
    away = [OperationalError("server closed the connection unexpectedly"), ServerAway("it is away")]

    class StopsItself(ConsumerMetrics):
        def report_lag(self, lags: Any) -> None:
            if self.landed and not stopped:
                stopped.append(True)
                os.kill(os.getpid(), signal.SIGTERM)

    stopped: list[bool] = []

    def make_at_last() -> None:
        if away:
            raise away.pop()
        make_raw_tables()

    monkeypatch.setattr("streaming.consuming.opening.make_raw_tables", make_at_last)
    paused = threading.Event()

    class Pause(Backoff):
        def wait(self, error: BaseException) -> bool:
            paused.set()
            return super().wait(error)

    def start_slowly() -> None:
        try:
            await_pauses(1)
            with socket.create_server(address):  # like a starting broker: it accepts connections and does not answer
                await_pauses(3)
            monkeypatch.setattr("streaming.cluster.BOOTSTRAP_MS", BOOTSTRAP_MS)
            start_broker(session_broker)
        except BaseException:
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    def await_pauses(count: int) -> None:
        for _ in range(count):
            assert paused.wait(60)
            paused.clear()

    monkeypatch.setattr("streaming.consuming.opening.Backoff", Pause)
    monkeypatch.setattr("waybill.backoff.PAUSES_SECONDS", (0.5, 1.0))
    starter = threading.Thread(target=start_slowly)
    starter.start()
    consume(read_source("things"), ConsumerOptions(), StopsItself("things"))
    starter.join()
    assert (away, things.landed()) == ([], [1])


def test_messages_not_handed_over_are_read_again(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))
    offer, refused = Writer.offer, []

    def refuse_once(writer: Writer, ranges: Any, seconds: float) -> bool:
        if refused:
            return offer(writer, ranges, seconds)
        refused.append(ranges)
        return False

    def go_away(intake: ConsumerLoop) -> None:
        raise NodeNotReadyError()

    monkeypatch.setattr(Writer, "offer", refuse_once)
    monkeypatch.setattr(ConsumerLoop, "_stay_in_group", go_away)
    assert things.consume().landed == 10
    assert things.books() == (10, 10, 0, 0)


def test_it_stops_when_the_broker_refuses_access(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(consumer: KafkaConsumer, **options: Any) -> Any:
        raise GroupAuthorizationFailedError("waybill-things")

    monkeypatch.setattr(KafkaConsumer, "poll", refuse)
    with pytest.raises(
        BrokerUnreachable, match=r"cannot use Kafka at .*: .*GroupAuthorizationFailedError: .*waybill-things"
    ):
        things.consume()
