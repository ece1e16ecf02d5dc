"""`waybill check` says when messages wait in a topic, and when nobody can know."""

from __future__ import annotations

import time

import pytest
from kafka import KafkaProducer

from pipeline.alerts.alert import Alert
from pipeline.alerts.judging import judge
from streaming.topics import delete_topic
from tests.support.kafka.things import Things, declare_things, recreate_topic, thing
from waybill.cli import shown_command

MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def only_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUN_HOURS", "DISK_PERCENT", "DISK_BYTES"):
        monkeypatch.setenv(f"WAYBILL_ALERT_{name}", "0")


def judged() -> list[Alert]:
    return judge().alerts


def minutes_ago(minutes: int) -> int:
    """Return a moment in milliseconds since 1970, as messages have it."""
    return int(time.time() * 1000) - minutes * MINUTE_MS


def test_messages_that_wait_too_long_are_an_alert(things: Things) -> None:
    things.send(*map(thing, range(5)), timestamp_ms=minutes_ago(30))
    assert judged() == []  # nobody has consumed this topic, so nobody waits for it
    things.consume()
    assert judged() == []
    things.send(thing(6), thing(7), timestamp_ms=minutes_ago(1))
    assert judged() == []
    things.send(thing(8), partition=1, timestamp_ms=minutes_ago(20))
    [alert] = judged()
    assert (alert.rule, alert.kind, alert.name) == ("consumer_lag", "source", "things")
    waiting = f"3 messages wait in the topic {things.topic}, the first of them for more than 15 minutes"
    assert (alert.message, alert.command) == (waiting, shown_command("consume things"))
    things.consume()
    assert judged() == []


def test_too_many_messages_are_an_alert_at_once(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(thing(0))
    things.consume()
    things.send(*map(thing, range(3)))
    assert judged() == []
    monkeypatch.setenv("WAYBILL_ALERT_LAG_MESSAGES", "2")
    [alert] = judged()
    assert alert.message == f"3 messages wait in the topic {things.topic}, more than 2"


def test_markers_of_transactions_are_no_waiting_messages(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_ALERT_LAG_MINUTES", "0.001")
    things.consume()
    producer = KafkaProducer(bootstrap_servers=things.server, transactional_id=things.topic, acks="all")
    producer.init_transactions()
    for number, is_committed in enumerate([True, False]):
        producer.begin_transaction()
        producer.send(things.topic, thing(number), partition=0)
        producer.flush(30)
        producer.commit_transaction() if is_committed else producer.abort_transaction()
    producer.close()
    time.sleep(0.2)
    [alert] = judged()
    assert alert.message.endswith("the first of them for more than 0.001 minutes")
    assert things.consume().landed == 1
    assert judged() == []


def test_a_topic_that_was_replaced_or_deleted_is_an_alert(things: Things) -> None:
    things.send(thing(0))
    things.consume()
    recreate_topic(things)
    assert [alert.message for alert in judged()] == [
        f"the topic {things.topic} was created again, and its new messages are not landed"
    ]
    delete_topic(things.topic)
    declare_things(things.folder, "another")
    assert judged() == []  # nobody reads it any more
    declare_things(things.folder, things.topic)
    assert [alert.message for alert in judged()] == [f"the topic {things.topic} is gone"]


def test_a_broker_that_is_away_is_one_alert(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    started = time.monotonic()
    found = judge()
    assert time.monotonic() - started < 5
    [alert] = found.alerts
    assert (alert.rule, alert.name, alert.message) == (
        "broker_away",
        "127.0.0.1:9",
        "no broker answers at 127.0.0.1:9",
    )
    assert found.not_judged == {"consumer_lag": "the broker does not answer"}


def test_without_a_broker_nothing_is_asked(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    found = judge()
    assert found.alerts == []
    assert found.not_judged == dict.fromkeys(("broker_away", "consumer_lag"), "no broker is configured")
