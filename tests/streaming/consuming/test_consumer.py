"""The consumer lands each message once, names what it cannot land, and never passes over a gap."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from confluent_kafka import Producer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    NodeNotReadyError,
    OffsetOutOfRangeError,
)
from kafka.structs import OffsetAndMetadata
from psycopg2 import OperationalError
from psycopg2.errors import ProgramLimitExceeded
from psycopg2.extensions import connection as Connection

import loader.declarations
from loader.declarations import read_source
from loader.errors import CoordinateUnknown
from loader.landing.raw_tables import make_raw_tables
from loader.tracing.why import why
from streaming.cluster import BOOTSTRAP_MS, admin, create_topic, delete_topic, find_topic
from streaming.consumer import consume, main
from streaming.consuming import assignments
from streaming.consuming.assignments import take_up
from streaming.consuming.gaps import accept_or_stop
from streaming.consuming.health import Health
from streaming.consuming.held_partitions import HeldPartitions
from streaming.consuming.landing import land
from streaming.consuming.loop import ConsumerLoop, ConsumerOptions
from streaming.consuming.positions import former_topic
from streaming.consuming.writer import Writer
from streaming.errors import (
    BrokerAway,
    BrokerUnreachable,
    GapFound,
    LedgerEmptied,
    MessageGone,
    MessageUnreadable,
    PortTaken,
    TopicReplaced,
    TopicUnknown,
)
from streaming.growing_pause import Backoff
from streaming.local_broker import server as local_broker
from streaming.local_broker.process import BrokerPaths, living_process
from streaming.message import read_message
from tests.crash.chaos_rounds import COMPACTED
from tests.crash.servers import kill, processes
from tests.support.databases import rows
from tests.support.dbt_command import execute
from tests.support.external_server import ExternalServer, external_server
from tests.support.independent_client import read_topic
from warehouse import embedded
from warehouse.connection import connect, current_warehouse, forget
from warehouse.errors import ServerAway, ServerUnreachable
from warehouse.logins import Role
from waybill.settings import PROJECT

CONTRACT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "text": {}}}
TO_END = ConsumerOptions(until_end=True)
WAITING = """
select distinct pid from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()
"""


class Things:
    """A source of the test's own: sends messages and compares what the warehouse holds with what was sent."""

    def __init__(self, folder: Path, topic: str, server: str) -> None:
        self.folder, self.topic, self.server = folder, topic, server

    def send(self, *values: bytes | None, partition: int = 0, **options: Any) -> None:
        producer = KafkaProducer(bootstrap_servers=self.server)
        for value in values:
            producer.send(self.topic, value, partition=partition, **options)
        producer.flush(30)
        producer.close()

    def consume(self, terms: ConsumerOptions = TO_END, group: str | None = None) -> Health:
        health = Health("things")
        consume(read_source("things"), terms, health, group)
        return health

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.consume", str(self.folder), "things", *arguments]
        return subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE)

    def landed(self) -> list[int]:
        return [number for (number,) in rows("select (document ->> 'id')::int from raw.things order by 1")]

    def books(self) -> tuple[int, int, int, int]:
        query = "select sum(read)::int, sum(landed)::int, sum(rejected)::int, sum(skipped)::int from ledger.batches"
        return rows(query)[0]  # type: ignore[return-value]


def thing(number: int) -> bytes:
    return json.dumps({"id": number}).encode()


@pytest.fixture
def things(tmp_path: Path, topic: str, broker: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Things]:
    declaration = {
        "source": "things", "description": "Things.", "contract": "things.schema.json", "topic": topic,
        "key": ["/id"], "version": "/id",
    }  # fmt: skip
    (tmp_path / "things.yml").write_text(yaml.safe_dump(declaration))
    (tmp_path / "things.schema.json").write_text(json.dumps(CONTRACT))
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path)
    create_topic(topic, 2)
    yield Things(tmp_path, topic, broker)


def test_messages_land_once_and_what_cannot_is_named_with_its_coordinate(things: Things) -> None:
    bad = [b'{"id": 1, "text": "\\u0000"}', b"\xff", b"", b'{"text": 1}', b'{"id": 1} {"id": 2}']
    things.send(thing(1), *bad, None, thing(2), key=b"k", headers=[("trace", b"\x00\xff")])
    things.send(thing(3), thing(4), partition=1)
    health = things.consume()
    assert (health.landed, health.rejected, health.skipped, health.lag) == (4, 5, 1, 0)
    assert things.landed() == [1, 2, 3, 4]
    assert things.books() == (10, 4, 5, 1)
    named = rows(
        "select inputs.name || ':' || rejects.position, reason, bytes from ledger.rejects"
        " join ledger.batches using (batch_id) join ledger.inputs using (input_id) order by position"
    )
    reasons = ["not_storable", "not_utf8", "not_json", "breaks_contract", "not_json"]
    expected = [
        (f"{things.topic}:0:{1 + place}", reason, raw)
        for place, (reason, raw) in enumerate(zip(reasons, bad, strict=True))
    ]
    assert [(name, reason, bytes(raw)) for name, reason, raw in named] == expected
    again = things.consume()
    assert (again.landed, again.rejected, again.skipped) == (0, 0, 0)


def test_the_position_is_the_ledgers_whatever_kafka_says(things: Things) -> None:
    things.send(thing(1), thing(2))
    things.consume()
    with admin() as client:
        groups = client.list_group_offsets(["waybill-things"])["waybill-things"]
        assert groups[TopicPartition(things.topic, 0)].offset == 2
        client.alter_group_offsets("waybill-things", {TopicPartition(things.topic, 0): OffsetAndMetadata(0, "", -1)})
    things.send(thing(3))
    assert things.consume().landed == 1
    assert things.consume(group="another").landed == 0
    assert things.landed() == [1, 2, 3]


def test_a_killed_consumer_leaves_nothing_twice_and_nothing_out(things: Things) -> None:
    producer = KafkaProducer(bootstrap_servers=things.server, linger_ms=5)
    sent = 0
    for round_number in range(3):
        for _ in range(2000):
            producer.send(things.topic, thing(sent), partition=sent % 2)
            sent += 1
        producer.flush(30)
        process = things.start()
        deadline = time.monotonic() + 30
        while not rows("select 1 from ledger.batches limit 1") and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.05 * round_number)
        process.kill()
        process.communicate()
    producer.close()
    things.consume()
    assert things.landed() == list(range(sent))
    assert things.books() == (sent, sent, 0, 0)


def test_two_consumers_that_both_believe_the_partition_theirs_land_it_once(things: Things) -> None:
    things.send(*map(thing, range(3000)))
    failures: list[BaseException] = []

    def consume_in_a_group_of_its_own(group: str) -> None:
        process = things.start("--until-end", "--group", group)
        _, said = process.communicate(timeout=60)
        if process.returncode:
            failures.append(AssertionError(said.decode()))

    threads = [threading.Thread(target=consume_in_a_group_of_its_own, args=[group]) for group in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert things.landed() == list(range(3000))
    assert things.books() == (3000, 3000, 0, 0)


def test_a_consumer_that_was_halted_in_mid_write_wakes_when_another_has_landed_its_messages(things: Things) -> None:
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
        _until(lambda: len(things.landed()) == 200)
        with owner, owner.cursor() as cursor:
            cursor.execute("select from ledger.inputs for update")
            send(100)
            _until(lambda: bool(rows(WAITING)))
            first.send_signal(signal.SIGSTOP)
            cursor.execute(f"select pg_terminate_backend(pid) from ({WAITING}) as waiting")
        consumers.append(things.start())
        _until(lambda: len(things.landed()) == 400)
        first.send_signal(signal.SIGCONT)
        _until(both_land_what_is_new)
        sent = next(numbers)
        _until(lambda: len(things.landed()) >= sent)
    finally:
        owner.close()
        first.send_signal(signal.SIGCONT)
        for process in consumers:
            process.terminate()
        said = [process.communicate(timeout=40)[1].decode() for process in consumers]
    assert [process.returncode for process in consumers] == [0, 0], said
    assert "the database does not answer, waiting" in said[0]
    assert things.landed() == list(range(sent))
    assert things.books() == (sent, sent, 0, 0)


def test_a_group_shares_the_partitions_and_sigterm_ends_it_cleanly(things: Things) -> None:
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
        said = [process.communicate(timeout=40)[1].decode() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert len(things.landed()) == 1002
    assert runs == [(2,)]
    assert rows("select distinct outcome from ledger.runs where command like 'consume%%'") == [("succeeded",)]


def test_a_gap_stops_it_until_it_is_accepted_and_then_stands_in_the_ledger(things: Things) -> None:
    things.send(*map(thing, range(10)))
    things.consume()
    things.send(*map(thing, range(10, 20)))
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 15})
    with pytest.raises(GapFound, match=r":0: offset 10 comes next, but the log begins at 15 only: .*--accept-gap"):
        things.consume()
    assert things.landed() == list(range(10))
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 5
    assert things.landed() == [*range(10), *range(15, 20)]
    assert rows("select first_position, next_position, reason from ledger.gaps") == [
        (10, 15, "the log begins at 15 only")
    ]


def test_a_log_that_ends_before_what_was_landed_stops_it_whoever_accepts_gaps_until_the_topic_is_made_anew(
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
        with pytest.raises(GapFound, match=r":0: offset 10 comes next, but the log ends at 7 already: .* make it anew"):
            things.consume(terms)
    assert things.landed() == list(range(5))
    assert rows("select next_position from ledger.inputs where partition = 0") == [(10,)]
    assert rows("select count(*) from ledger.gaps") == [(0,)]
    _make_anew(things)
    things.send(thing(5), thing(6))
    assert things.consume(accepting).landed == 2
    assert things.landed() == list(range(7))
    assert rows("select distinct first_position, next_position from ledger.gaps") == [(0, 0)]


def test_what_a_rival_lands_while_a_partition_is_taken_up_is_no_gap(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(*map(thing, range(5)))
    things.consume()

    def connect_late(role: Role) -> Connection:
        monkeypatch.setattr(assignments, "connect", connect)
        things.send(*map(thing, range(5, 8)))
        things.consume(group="rival")
        return connect(role)

    monkeypatch.setattr(assignments, "connect", connect_late)
    things.consume()
    assert things.landed() == list(range(8))


def test_a_topic_made_anew_under_the_same_name_is_noticed(things: Things) -> None:
    things.send(thing(1), thing(2))
    things.consume()
    _make_anew(things)
    things.send(thing(3))
    with pytest.raises(GapFound, match="the topic was made anew"):
        things.consume()
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 1
    assert things.landed() == [1, 2, 3]
    assert things.consume().landed == 0


def test_a_topic_made_anew_while_it_is_read_is_noticed_before_anything_of_it_lands(things: Things) -> None:
    things.send(thing(1), thing(2))
    failure: list[BaseException] = []

    class Replacing(Health):
        def say_lag(self, lags: Any) -> None:
            if self.landed == 2 and not failure:
                failure.append(TopicReplaced())
                _make_anew(things)
                things.send(*map(thing, range(100, 110)))

    with pytest.raises((TopicReplaced, GapFound), match=r"made anew|ends at"):
        consume(read_source("things"), ConsumerOptions(), Replacing("things"))
    assert things.landed() == [1, 2]


def _make_anew(things: Things) -> None:
    with admin() as client:
        client.delete_topics([things.topic])
    create_topic(things.topic, 2)


def test_an_unknown_topic_is_one_line(things: Things) -> None:
    with admin() as client:
        client.delete_topics([things.topic])
    with pytest.raises(TopicUnknown, match="no topic"):
        things.consume()


def test_aborted_transactions_leave_holes_that_are_no_gaps(things: Things) -> None:
    producer = KafkaProducer(bootstrap_servers=things.server, transactional_id=things.topic, acks="all")
    producer.init_transactions()
    for number, is_committed in enumerate([True, False, True, False]):
        producer.begin_transaction()
        for part in range(3):
            producer.send(things.topic, thing(10 * number + part), partition=0)
        producer.flush(30)
        producer.commit_transaction() if is_committed else producer.abort_transaction()
    producer.close()
    assert things.consume().landed == 6
    assert things.landed() == [0, 1, 2, 20, 21, 22]
    things.send(thing(99))
    assert things.consume().landed == 1
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_compaction_leaves_holes_that_are_no_gaps(things: Things) -> None:
    delete_topic(things.topic)
    create_topic(things.topic, 1, configs=COMPACTED)

    def send_for_every_key(numbers: range) -> None:
        producer = KafkaProducer(bootstrap_servers=things.server)
        for number in numbers:
            producer.send(things.topic, thing(number), key=b"%d" % (number % 10)).get(30)
        producer.close()
        time.sleep(0.3)  # the next one begins a segment, and this one can be compacted

    def held() -> list[int]:
        return [offset for _, offset, _ in read_topic(things.server, things.topic)]

    send_for_every_key(range(10))
    assert things.consume().landed == 10
    send_for_every_key(range(10, 30))
    send_for_every_key(range(30, 35))
    things.send(thing(35), key=b"last")
    left = [*range(25, 35), 35]
    _until(lambda: held() == left)
    assert things.consume().landed == len(left)
    assert things.landed() == [*range(10), *left]
    assert rows("select count(*) from ledger.gaps") == [(0,)]
    assert things.consume().landed == 0


def test_a_document_that_only_postgresql_refuses_is_named_and_the_others_land(things: Things) -> None:
    deep = b'{"id": 5, "text": ' + b"[" * 900 + b"]" * 900 + b"}"
    refused = b'{"id": 6, "text": 1e-200000}'
    things.send(thing(1), refused, deep, thing(2))
    things.consume()
    assert things.landed() == [1, 2, 5]
    assert rows("select position, reason from ledger.rejects") == [(1, "not_storable")]
    assert things.books() == (4, 3, 1, 0)


@pytest.fixture
def server_of_others(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExternalServer]:
    """Name a server that no command starts again; to be asked for before `things`."""
    with external_server() as server:
        for name, value in server.variables("creator", tmp_path).items():
            monkeypatch.setenv(name, value)
        yield server
    forget()


def test_it_waits_for_a_database_that_is_away(server_of_others: ExternalServer, things: Things) -> None:
    things.send(*map(thing, range(500)))
    process, said = things.start(), ""
    assert process.stderr
    try:
        _until(lambda: len(things.landed()) == 500)
        server_of_others.stop()
        things.send(*map(thing, range(500, 1000)))
        while said.count("the database does not answer, waiting") < 3:
            line = process.stderr.readline()
            assert line, said
            said += line.decode()
        server_of_others.start()
        _until(lambda: len(things.landed()) == 1000)
    finally:
        process.terminate()
        said += process.communicate(timeout=40)[1].decode()
    assert process.returncode == 0, said
    assert things.landed() == list(range(1000))
    assert things.books() == (1000, 1000, 0, 0)
    pauses = re.findall(r"the database does not answer, waiting seconds=([\d.]+) reason=\S", said)
    assert pauses[:3] == ["0.5", "1.0", "2.0"], said


def test_an_embedded_database_that_is_killed_at_work_is_started_again(things: Things) -> None:
    place = current_warehouse().place
    assert place
    things.send(*map(thing, range(500)))
    process = things.start()
    try:
        _until(lambda: len(things.landed()) == 500)
        kill(processes(place))
        things.send(*map(thing, range(500, 1000)))
        _until(lambda: embedded.answers(place))
        _until(lambda: len(things.landed()) == 1000)
    finally:
        process.terminate()
        said = process.communicate(timeout=40)[1].decode()
    assert process.returncode == 0, said
    assert things.books() == (1000, 1000, 0, 0)


def test_it_waits_for_a_broker_that_is_away(things: Things, broker_place: BrokerPaths) -> None:
    process = things.start()
    try:
        things.send(*map(thing, range(100)))
        _until(lambda: len(things.landed()) == 100)
        broker = living_process(broker_place)
        assert broker
        broker.kill()
        broker.wait(10)
        time.sleep(2)
        local_broker.start(broker_place)
        things.send(*map(thing, range(100, 200)))
        _until(lambda: len(things.landed()) == 200)
    finally:
        process.terminate()
        _, said = process.communicate(timeout=40)
    assert process.returncode == 0, said.decode()
    assert things.landed() == list(range(200))


def _until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception as error:
            if "does not exist" not in str(error):
                raise
        time.sleep(0.1)
    raise AssertionError("it did not come about in time")


def test_one_that_is_started_while_both_are_away_waits_for_them_unless_it_is_a_batch_job(
    things: Things, broker_place: BrokerPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(thing(1))
    local_broker.stop(broker_place)
    monkeypatch.setattr("streaming.cluster.BOOTSTRAP_MS", 1000)
    with pytest.raises(BrokerAway, match="did not let us in"):
        things.consume()
    address = ("127.0.0.1", int(things.server.rpartition(":")[2]))
    away = [OperationalError("server closed the connection unexpectedly"), ServerAway("it is away")]

    class StopsItself(Health):
        def say_lag(self, lags: Any) -> None:
            if self.landed and not stopped:
                stopped.append(True)
                os.kill(os.getpid(), signal.SIGTERM)

    stopped: list[bool] = []

    def make_at_last() -> None:
        if away:
            raise away.pop()
        make_raw_tables()

    monkeypatch.setattr("streaming.consumer.make_raw_tables", make_at_last)
    paused = threading.Event()

    class Pause(Backoff):
        def wait(self, error: Exception) -> bool:
            paused.set()
            return super().wait(error)

    def start_slowly() -> None:
        try:
            await_pauses(1)
            with socket.create_server(address):  # as a broker does that comes up: taken, not answered
                await_pauses(3)
            monkeypatch.setattr("streaming.cluster.BOOTSTRAP_MS", BOOTSTRAP_MS)
            local_broker.start(broker_place)
        except BaseException:
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    def await_pauses(count: int) -> None:
        for _ in range(count):
            assert paused.wait(60)
            paused.clear()

    monkeypatch.setattr("streaming.consumer.GrowingPause", Pause)
    monkeypatch.setattr("streaming.growing_pause.LONGEST_SECONDS", 1.0)
    starter = threading.Thread(target=start_slowly)
    starter.start()
    consume(read_source("things"), ConsumerOptions(), StopsItself("things"))
    starter.join()
    assert (away, things.landed()) == ([], [1])


def test_metrics_are_served_on_loopback(things: Things) -> None:
    (port, _) = local_broker.choose_ports(BrokerPaths(things.folder / "none"))
    health = Health("things")
    health.serve(port)
    things.send(thing(1), b"{")
    consume(read_source("things"), TO_END, health)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert 'waybill_documents_total{outcome="landed",source="things"} 1.0' in text
    assert 'waybill_documents_total{outcome="rejected",source="things"} 1.0' in text
    assert 'waybill_lag_messages{source="things"} 0.0' in text
    assert re.search(r'waybill_last_commit_seconds{source="things"} 1\.\d+e\+09', text)


def test_why_tells_a_message_by_its_coordinate(things: Things) -> None:
    things.send(thing(1), b"{", thing(2))
    things.consume()
    story = "\n".join(why(f"{things.topic}:0:2"))
    assert "landed in raw.things" in story
    assert "consume things" in story
    assert f"source bytes: `python -m streaming.message {things.topic}:0:2`" in story
    assert "rejected: not_json" in "\n".join(why(f"{things.topic}:0:1"))


def test_a_message_is_read_again_and_checked_by_its_fingerprint(things: Things) -> None:
    things.send(b'{"id" :  1}', b"{", thing(3))
    things.consume()
    assert read_message(f"{things.topic}:0:0") == b'{"id" :  1}'
    assert read_message(f"{things.topic}:0:1") == b"{"
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 1})
    with pytest.raises(MessageGone, match="does not hold that message any more"):
        read_message(f"{things.topic}:0:0")
    with pytest.raises(CoordinateUnknown, match="no message of this place was landed or rejected"):
        read_message(f"{things.topic}:1:0")
    with pytest.raises(CoordinateUnknown, match="say TOPIC:PARTITION:OFFSET"):
        read_message(things.topic)


def test_the_command_says_what_became_of_the_messages(things: Things) -> None:
    things.send(thing(1), b"{")
    done = CliRunner().invoke(main, ["things", "--topic", things.topic, "--until-end"])
    assert done.exit_code == 0
    said = r"landed 1, rejected 1, skipped 0 in 1 batches; lag 0; last commit 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(said, done.output.splitlines()[-1])


def test_a_database_that_goes_away_while_partitions_are_taken_up_is_waited_for(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(*map(thing, range(10)))
    struck: list[bool] = []

    def take_up_meanwhile(*arguments: Any, **options: Any) -> Any:
        if not struck:
            struck.append(True)
            place = current_warehouse().place
            assert place
            kill(processes(place))
        return take_up(*arguments, **options)

    monkeypatch.setattr("streaming.consuming.loop.take_up", take_up_meanwhile)
    assert things.consume().landed == 10


def test_what_could_not_be_handed_over_when_the_broker_went_away_is_read_again(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr(ConsumerLoop, "_stay", go_away)
    assert things.consume().landed == 10
    assert things.books() == (10, 10, 0, 0)


def test_the_end_is_reached_only_when_all_is_landed(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))

    def land_after_a_rival(connection: Any, ranges: Any) -> Any:
        if not rows("select 1 from ledger.batches"):
            with connection, connection.cursor() as cursor:  # a rival has landed five and died
                cursor.execute("update ledger.inputs set next_position = 5 where next_position = 0 and partition = 0")
        return land(connection, ranges)

    monkeypatch.setattr("streaming.consuming.writer.land", land_after_a_rival)
    things.consume()
    assert things.landed() == list(range(5, 10))


def test_what_is_asked_of_a_partition_that_was_just_lost_does_nothing(things: Things) -> None:
    consumer = KafkaConsumer(bootstrap_servers=things.server)
    held = HeldPartitions(consumer, things.topic)
    held.seek(0, 5)
    held.pause([0])
    held.resume([0])
    assert (held.numbers(), held.position(0), held.highwater(0)) == (set(), None, None)
    consumer.close()


def test_a_time_that_is_none_is_left_out(things: Things) -> None:
    delete_topic(things.topic)
    create_topic(things.topic, 2, configs={"message.timestamp.after.max.ms": str(2**63 - 1)})
    things.send(thing(1), timestamp_ms=1_700_000_000_000_000)  # microseconds
    things.send(thing(2), timestamp_ms=1_700_000_000_000, partition=1)
    things.consume()
    assert things.landed() == [1, 2]
    sent = "select extract(epoch from sent_at)::bigint from ledger.batches join ledger.inputs using (input_id) order by partition"
    assert rows(sent) == [(None,), (1_700_000_000,)]


def test_what_postgresql_will_never_take_stops_it_and_a_mute_failure_is_waited_for(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(thing(1))
    failures: list[Exception] = [OperationalError(""), ProgramLimitExceeded("row is too big")]

    def fail(connection: Any, ranges: Any) -> Any:
        raise failures.pop(0)

    monkeypatch.setattr("streaming.consuming.writer.land", fail)
    with pytest.raises(ProgramLimitExceeded):
        things.consume()
    assert failures == []


@pytest.mark.parametrize("accepts_gap", [False, True])
def test_a_topic_made_anew_while_nothing_comes_is_noticed_and_is_no_gap(
    things: Things, accepts_gap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.consuming.loop.WATCH_SECONDS", 0.2)
    things.send(thing(1), thing(2))
    done: list[bool] = []

    class Replacing(Health):
        def say_lag(self, lags: Any) -> None:
            if self.landed == 2 and not done:
                done.append(True)
                _make_anew(things)

    with pytest.raises(TopicReplaced, match="made anew"):
        consume(read_source("things"), ConsumerOptions(accepts_gap=accepts_gap), Replacing("things"))
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_a_broker_that_refuses_us_is_not_waited_for(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(consumer: KafkaConsumer, **options: Any) -> Any:
        raise GroupAuthorizationFailedError("waybill-things")

    monkeypatch.setattr(KafkaConsumer, "poll", refuse)
    with pytest.raises(
        BrokerUnreachable, match=r"did not let us in: .*GroupAuthorizationFailedError: .*waybill-things"
    ):
        things.consume()


def test_a_gap_that_a_rival_has_accepted_is_not_recorded_again(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))
    things.consume()
    things.send(*map(thing, range(10, 20)))
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 15})

    def accept_after_a_rival(*arguments: Any) -> int:
        rival = connect("loader")
        with rival, rival.cursor() as cursor:
            cursor.execute("update ledger.inputs set next_position = 15 where next_position = 10")
        rival.close()
        return accept_or_stop(*arguments)

    monkeypatch.setattr("streaming.consuming.assignments.accept_or_stop", accept_after_a_rival)
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 5
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_only_the_partition_that_was_cut_is_taken_up_again_and_after_what_is_under_way(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.send(*map(thing, range(10)))
    things.send(thing(10), partition=1)
    poll, taken, seen = KafkaConsumer.poll, [], []

    def land_slowly(connection: Any, ranges: Any) -> Any:
        time.sleep(1)
        return land(connection, ranges)

    def poll_a_cut_log(consumer: KafkaConsumer, **options: Any) -> Any:
        if len(seen) == 1:
            seen.append({})
            raise OffsetOutOfRangeError({TopicPartition(things.topic, 0): 10})
        found = poll(consumer, **options)
        if TopicPartition(things.topic, 0) in found:
            seen.append(found)
        return found

    def take_up_seen(consumer: Any, watch: Any, partitions: list[int], *origin: Any, **options: Any) -> Any:
        position = "select coalesce(max(next_position), 0)::int from ledger.inputs where partition = 0"
        taken.append((partitions, *rows(position)[0]))
        return take_up(consumer, watch, partitions, *origin, **options)

    monkeypatch.setattr("streaming.consuming.writer.land", land_slowly)
    monkeypatch.setattr("streaming.consuming.loop.take_up", take_up_seen)
    monkeypatch.setattr(KafkaConsumer, "poll", poll_a_cut_log)
    assert things.consume().landed == 11
    assert taken == [([0, 1], 0), ([0], 10)]


def test_a_writer_that_is_closed_does_not_wait_for_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def be_away(role: str) -> Any:
        raise ServerAway("it is away")

    monkeypatch.setattr("streaming.consuming.writer.connect", be_away)
    writer = Writer()
    assert all(writer.offer([], 1) for _ in range(3))
    time.sleep(1)
    started = time.monotonic()
    writer.close(30)
    assert time.monotonic() - started < 5


def test_a_partition_that_the_former_topic_had_not_tells_that_it_was_made_anew(things: Things) -> None:
    things.send(thing(1))
    things.consume()
    former = find_topic(things.topic).topic_id
    _make_anew(things)
    anew = find_topic(things.topic)
    connection = connect("loader")
    with connection, connection.cursor() as cursor:
        assert former_topic(cursor, "things", anew, 2) == str(former)
    connection.close()
    things.consume(ConsumerOptions(until_end=True, accepts_gap=True))
    with admin() as client:
        client.create_partitions({things.topic: 3})
    things.send(thing(2), partition=2)
    assert things.consume().landed == 1
    assert rows("select count(*) from ledger.gaps") == [(2,)]


def test_a_stop_is_none_the_worse_for_a_database_that_is_away(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(thing(1))

    def be_away(*anything: Any) -> Any:
        raise ServerAway("it is away")

    class GoingAway(Health):
        def say_lag(self, lags: Any) -> None:
            super().say_lag(lags)
            if self.landed and not struck:
                struck.append(True)
                for name in (
                    "streaming.consuming.writer.land",
                    "streaming.consuming.writer.connect",
                    "warehouse.runs.connect",
                ):
                    monkeypatch.setattr(name, be_away)
                things.send(thing(2))
                threading.Timer(2, os.kill, [os.getpid(), signal.SIGTERM]).start()

    struck: list[bool] = []
    monkeypatch.setattr("warehouse.runs.PAUSES_SECONDS", (0.01,))
    started = time.monotonic()
    health = GoingAway("things")
    consume(read_source("things"), ConsumerOptions(), health)
    assert struck
    assert time.monotonic() - started < 25
    assert things.landed() == [1]
    assert health.lag == 1, "what was read and did not land lags"


def test_a_login_that_is_refused_while_it_works_is_not_waited_for(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(role: str) -> Any:
        raise ServerUnreachable("password authentication failed")

    monkeypatch.setattr("streaming.consuming.writer.connect", refuse)
    things.send(thing(1))
    with pytest.raises(ServerUnreachable, match="password authentication failed"):
        consume(read_source("things"), ConsumerOptions(), Health("things"))


def test_a_ledger_that_is_emptied_meanwhile_ends_it_and_the_next_one_begins_anew(things: Things) -> None:
    class Emptying(Health):
        def say_lag(self, lags: Any) -> None:
            super().say_lag(lags)
            if self.landed == 2 and not emptied:
                emptied.append(True)
                execute("truncate ledger.inputs, raw.things cascade")
                things.send(thing(3))

    emptied: list[bool] = []
    things.send(thing(1), thing(2))
    with pytest.raises(LedgerEmptied, match="start it again"):
        consume(read_source("things"), ConsumerOptions(), Emptying("things"))
    assert things.consume().landed == 3
    assert things.landed() == [1, 2, 3]


def test_whatever_packs_a_batch_is_read(things: Things) -> None:
    packings = ("gzip", "snappy", "lz4", "zstd")
    for number, packing in enumerate(packings):
        producer = Producer({"bootstrap.servers": things.server, "compression.type": packing, "linger.ms": 50})
        for _ in range(20):
            producer.produce(things.topic, thing(number), partition=0)
        assert producer.flush(30) == 0
    assert things.consume().landed == 20 * len(packings)


def test_a_record_that_the_client_cannot_take_apart_stops_it_and_is_named(things: Things) -> None:
    class NotText(str):
        def encode(self, *anything: Any) -> bytes:
            return b"\xff"

    things.send(thing(1))
    things.consume()
    things.send(thing(2), headers=[(NotText("name"), b"")])
    with pytest.raises(MessageUnreadable, match=rf"at or behind {things.topic}:0:1.* cannot be read .*--accept-gap"):
        consume(read_source("things"), ConsumerOptions(), Health("things"))
    with pytest.raises(CoordinateUnknown):
        read_message(f"{things.topic}:0:1")
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 2})
    things.send(thing(3))
    things.consume(ConsumerOptions(until_end=True, accepts_gap=True))
    assert things.landed() == [1, 3]
    assert rows("select count(*) from ledger.gaps") == [(1,)]


def test_a_port_that_is_taken_is_said(things: Things) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}: Address already in use; give another --metrics-port"):
            Health("things").serve(port)
