"""Consumers that are killed, halted or share a topic land each message once."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from contextlib import suppress

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import CoordinatorNotAvailableError

from loader.errors import Overtaken
from streaming.cluster import admin
from streaming.consuming.held_partitions import HeldPartitions
from streaming.consuming.positions import Move, advance_offsets
from tests.support.databases import rows
from tests.support.kafka.things import Things, thing, until
from warehouse.connection import connect

WAITING = """
select distinct pid from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()
"""


def test_a_killed_consumer_doubles_and_loses_nothing(things: Things) -> None:
    """Each round kills a consumer that has landed some of the round's messages and not all of them."""
    producer = KafkaProducer(bootstrap_servers=things.server, linger_ms=5)
    sent = 0
    for round_number in range(3):
        landed = sent
        for _ in range(6000):
            producer.send(things.topic, thing(sent), partition=sent % 2)
            sent += 1
        producer.flush(30)
        process = things.start(poll_records=25)
        until(lambda before=landed: count_landed() > before, pause=0.01)
        time.sleep(0.05 * round_number)
        process.kill()
        process.communicate()
        assert landed < count_landed() < sent
    producer.close()
    things.consume()
    assert things.landed() == list(range(sent))
    assert things.books() == (sent, sent, 0, 0)


def test_a_consumer_killed_before_its_rows_keeps_its_offset(things: Things) -> None:
    """The kill hits a transaction that waits to write its rows: neither rows nor offset may be committed."""
    things.send(*map(thing, range(100)))
    things.consume()
    things.send(*map(thing, range(100, 200)))
    owner = connect("owner")
    try:
        with owner, owner.cursor() as cursor:
            cursor.execute("lock table raw.things in share mode")
            process = things.start()
            until(lambda: bool(rows(WAITING)))
            process.kill()
            process.communicate()
            assert rows("select max(next_position) from ledger.inputs") == [(100,)]
    finally:
        owner.close()
    things.consume()
    assert things.landed() == list(range(200))
    assert things.books() == (200, 200, 0, 0)


def test_an_offset_is_advanced_only_from_where_it_is(things: Things) -> None:
    things.send(thing(0))
    things.consume()
    owner = connect("owner")
    with owner, owner.cursor() as cursor, pytest.raises(Overtaken):
        [(input_id,)] = rows("select input_id from ledger.inputs where next_position = 1")
        advance_offsets(cursor, [Move(input_id, 0, 2)])
    owner.close()
    assert rows("select max(next_position) from ledger.inputs") == [(1,)]


def count_landed() -> int:
    return int(rows("select coalesce(sum(landed), 0) from ledger.batches")[0][0])


def test_two_owners_of_one_partition_land_it_once(things: Things) -> None:
    things.send(*map(thing, range(3000)))
    failures: list[BaseException] = []

    def consume_in_a_group_of_its_own(group: str) -> None:
        process = things.start("--until-end", "--group", group)
        _, output = process.communicate(timeout=60)
        if process.returncode:
            failures.append(AssertionError(output.decode()))

    threads = [threading.Thread(target=consume_in_a_group_of_its_own, args=[group]) for group in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert things.landed() == list(range(3000))
    assert things.books() == (3000, 3000, 0, 0)


def test_a_consumer_halted_while_writing_continues_later(things: Things) -> None:
    numbers = itertools.count()

    def send(count: int) -> None:
        for partition in (0, 1):
            things.send(*map(thing, itertools.islice(numbers, count)), partition=partition)

    def both_land_what_is_new() -> bool:
        send(1)
        return rows("select count(distinct run_id) from ledger.batches where first_position >= 200") == [(2,)]

    send(100)
    first = things.start()
    consumers = [first]
    owner = connect("owner")
    try:
        until(lambda: len(things.landed()) == 200)
        with owner, owner.cursor() as cursor:
            cursor.execute("select from ledger.inputs for update")
            send(100)
            until(lambda: bool(rows(WAITING)))
            first.send_signal(signal.SIGSTOP)
            cursor.execute(f"select pg_terminate_backend(pid) from ({WAITING}) as waiting")
        consumers.append(things.start())
        until(lambda: len(things.landed()) == 400)
        first.send_signal(signal.SIGCONT)
        until(both_land_what_is_new)
        sent = next(numbers)
        until(lambda: len(things.landed()) >= sent)
    finally:
        owner.close()
        first.send_signal(signal.SIGCONT)
        for process in consumers:
            process.terminate()
        output = [process.communicate(timeout=40)[1].decode() for process in consumers]
    assert [process.returncode for process in consumers] == [0, 0], output
    assert "transient error, trying again" in output[0]
    assert things.landed() == list(range(sent))
    assert things.books() == (sent, sent, 0, 0)


def test_a_group_shares_partitions_and_ends_on_sigterm(things: Things) -> None:
    first, second = things.start(), things.start()
    try:
        deadline = time.monotonic() + 40
        with admin() as client:
            while time.monotonic() < deadline:
                with suppress(CoordinatorNotAvailableError):  # a broker's first group waits for it
                    found = client.describe_groups(["waybill-things"])["waybill-things"]
                    if len(found["members"]) == 2 and found["group_state"] == "Stable":
                        break
                time.sleep(0.2)
        things.send(thing(0), partition=0)
        things.send(thing(1), partition=1)
        things.send(*map(thing, range(1000, 1500)), partition=0)
        things.send(*map(thing, range(2000, 2500)), partition=1)
        while len(things.landed()) < 1002 and time.monotonic() < deadline:
            time.sleep(0.1)
        runs = rows("select count(distinct run_id) from ledger.batches")
    finally:
        for process in (first, second):
            process.send_signal(signal.SIGTERM)
        output = [process.communicate(timeout=40)[1].decode() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), output
    assert len(things.landed()) == 1002
    assert runs == [(2,)]
    assert rows("select distinct outcome from ledger.runs where command like 'consume%%'") == [("succeeded",)]


def test_partitions_added_while_consumed_land_once(things: Things) -> None:
    """Messages arrive in old and new partitions while two consumers share them again."""
    producer = KafkaProducer(bootstrap_servers=things.server, linger_ms=5)
    numbers = itertools.count()

    def send(count: int, partitions: int) -> None:
        for number in itertools.islice(numbers, count):
            producer.send(things.topic, thing(number), partition=number % partitions)
        producer.flush(30)

    consumers = [things.start(poll_records=25), things.start(poll_records=25)]
    try:
        send(1_000, 2)
        until(lambda: count_landed() > 0)
        with admin() as client:
            client.create_partitions({things.topic: 5})
        producer.close()
        producer = KafkaProducer(bootstrap_servers=things.server, linger_ms=5)
        until(lambda: len(producer.partitions_for(things.topic)) == 5)
        send(4_000, 5)
        until(lambda: count_landed() >= 5_000)
    finally:
        producer.close()
        for process in consumers:
            process.terminate()
        output = [process.communicate(timeout=40)[1].decode() for process in consumers]
    assert [process.returncode for process in consumers] == [0, 0], output
    assert things.landed() == list(range(5_000))
    assert things.books() == (5_000, 5_000, 0, 0)
    assert rows("select partition, next_position from ledger.inputs order by 1") == [
        (0, 1_300),
        (1, 1_300),
        (2, 800),
        (3, 800),
        (4, 800),
    ]
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_calls_on_a_lost_partition_do_nothing(things: Things) -> None:
    consumer = KafkaConsumer(bootstrap_servers=things.server)
    held = HeldPartitions(consumer, things.topic)
    held.seek(0, 5)
    held.pause([0])
    held.resume([0])
    assert (held.numbers(), held.position(0), held.highwater(0)) == (set(), None, None)
    consumer.close()
