"""A topic that was deleted and created again, or lost messages, is noticed before anything lands."""

from __future__ import annotations

from typing import Any

import pytest

from loader.declarations import read_source
from streaming.cluster import admin
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.consuming.positions import former_topic
from streaming.errors import (
    GapFound,
    LedgerEmptied,
    TopicReplaced,
    TopicUnknown,
)
from streaming.topics import find_topic
from tests.support.databases import rows
from tests.support.dbt_command import execute
from tests.support.kafka.things import TO_END, Things, recreate_topic, thing
from warehouse.connection import connect


def test_a_log_shorter_than_the_ledger_stops_it(
    things: Things,
) -> None:
    things.send(*map(thing, range(5)))
    things.consume()
    owner = connect("owner")
    with owner, owner.cursor() as cursor:  # as if the broker had lost the last five of ten
        cursor.execute("update ledger.inputs set next_position = 10 where partition = 0")
    owner.close()
    accepting = ConsumerOptions(until_end=True, accepts_gap=True)
    things.send(thing(5), thing(6))
    for terms in (TO_END, accepting):
        with pytest.raises(
            GapFound, match=r":0: offset 10 comes next, but the log already ends at 7: .* create it again"
        ):
            things.consume(terms)
    assert things.landed() == list(range(5))
    assert rows("select next_position from ledger.inputs where partition = 0") == [(10,)]
    assert rows("select count(*) from ledger.gaps") == [(0,)]
    recreate_topic(things)
    things.send(thing(5), thing(6))
    assert things.consume(accepting).landed == 2
    assert things.landed() == list(range(7))
    assert rows("select distinct first_position, next_position from ledger.gaps") == [(0, 0)]


def test_a_recreated_topic_is_noticed(things: Things) -> None:
    things.send(thing(1), thing(2))
    things.consume()
    recreate_topic(things)
    things.send(thing(3))
    with pytest.raises(GapFound, match="the topic was recreated"):
        things.consume()
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 1
    assert things.landed() == [1, 2, 3]
    assert things.consume().landed == 0


def test_a_topic_recreated_while_read_lands_nothing(things: Things) -> None:
    things.send(thing(1), thing(2))
    failure: list[BaseException] = []

    class Replacing(ConsumerMetrics):
        def report_lag(self, lags: Any) -> None:
            if self.landed == 2 and not failure:
                failure.append(TopicReplaced())
                recreate_topic(things)
                things.send(*map(thing, range(100, 110)))

    with pytest.raises((TopicReplaced, GapFound), match=r"recreated|ends at"):
        consume(read_source("things"), ConsumerOptions(), Replacing("things"))
    assert things.landed() == [1, 2]


@pytest.mark.parametrize("accepts_gap", [False, True])
def test_a_topic_recreated_while_idle_is_not_a_gap(
    things: Things, accepts_gap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.consuming.loop.TOPIC_CHECK_SECONDS", 0.2)
    things.send(thing(1), thing(2))
    done: list[bool] = []

    class Replacing(ConsumerMetrics):
        def report_lag(self, lags: Any) -> None:
            if self.landed == 2 and not done:
                done.append(True)
                recreate_topic(things)

    with pytest.raises(TopicReplaced, match="recreated"):
        consume(read_source("things"), ConsumerOptions(accepts_gap=accepts_gap), Replacing("things"))
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_an_added_partition_does_not_hide_a_recreated_topic(things: Things) -> None:
    things.send(thing(1))
    things.consume()
    former = find_topic(things.topic).topic_id
    recreate_topic(things)
    recreated = find_topic(things.topic)
    connection = connect("loader")
    with connection, connection.cursor() as cursor:
        assert former_topic(cursor, "things", recreated, 2) == str(former)
    connection.close()
    things.consume(ConsumerOptions(until_end=True, accepts_gap=True))
    with admin() as client:
        client.create_partitions({things.topic: 3})
    things.send(thing(2), partition=2)
    assert things.consume().landed == 1
    assert rows("select count(*) from ledger.gaps") == [(2,)]


def test_an_emptied_ledger_ends_it_and_a_restart_reads_all(things: Things) -> None:
    class Emptying(ConsumerMetrics):
        def report_lag(self, lags: Any) -> None:
            super().report_lag(lags)
            if self.landed == 2 and not emptied:
                emptied.append(True)
                execute("truncate ledger.inputs, raw.things cascade")
                things.send(thing(3))

    emptied: list[bool] = []
    things.send(thing(1), thing(2))
    with pytest.raises(LedgerEmptied, match="start the consumer again"):
        consume(read_source("things"), ConsumerOptions(), Emptying("things"))
    assert things.consume().landed == 3
    assert things.landed() == [1, 2, 3]


def test_an_unknown_topic_is_one_line(things: Things) -> None:
    with admin() as client:
        client.delete_topics([things.topic])
    with pytest.raises(TopicUnknown, match="no topic"):
        things.consume()
