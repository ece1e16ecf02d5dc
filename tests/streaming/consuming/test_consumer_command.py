"""What the consumer reports: its last line, its metrics, and the message at a coordinate."""

from __future__ import annotations

import re
import signal
import socket
import urllib.request

import pytest
from click.testing import CliRunner
from kafka import TopicPartition

from loader.declarations import read_source
from loader.errors import CoordinateUnknown
from loader.tracing.why import why
from streaming.cluster import admin
from streaming.consumer import consume, main
from streaming.consuming.metrics import ConsumerMetrics
from streaming.errors import (
    MessageGone,
    PortTaken,
)
from streaming.local_broker.process import BrokerPaths, choose_ports
from streaming.message import read_message
from tests.support.kafka.things import TO_END, Things, thing, until
from waybill.cli import TRY_AGAIN, shown_command


def test_the_command_prints_what_became_of_the_messages(things: Things) -> None:
    things.send(thing(1), b"{")
    done = CliRunner().invoke(main, ["things", "--topic", things.topic, "--until-end"])
    assert done.exit_code == 0
    output = r"landed 1, rejected 1, skipped 0 in 1 batches; lag 0; last commit 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(output, done.output.splitlines()[-1])


def test_a_job_that_is_stopped_before_the_end_is_not_done(things: Things) -> None:
    things.send(*map(thing, range(20_000)))
    job = things.start("--until-end", poll_records=20)
    until(lambda: bool(things.landed()))
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=120)
    assert job.returncode == TRY_AGAIN
    again = things.start("--until-end")
    again.communicate(timeout=120)
    assert again.returncode == 0
    assert things.landed() == list(range(20_000))


def test_metrics_are_served_on_loopback(things: Things) -> None:
    (port, _) = choose_ports(BrokerPaths(things.folder / "none"))
    metrics = ConsumerMetrics("things")
    metrics.serve(port)
    things.send(thing(1), b"{")
    consume(read_source("things"), TO_END, metrics)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert 'waybill_documents_total{outcome="landed",source="things"} 1.0' in text
    assert 'waybill_documents_total{outcome="rejected",source="things"} 1.0' in text
    assert 'waybill_lag_messages{source="things"} 0.0' in text
    assert re.search(r'waybill_last_commit_seconds{source="things"} 1\.\d+e\+09', text)


def test_a_taken_metrics_port_is_reported(things: Things) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}: Address already in use; choose another --metrics-port"):
            ConsumerMetrics("things").serve(port)


def test_why_finds_a_message_by_its_coordinate(things: Things) -> None:
    things.send(thing(1), b"{", thing(2))
    things.consume()
    story = "\n".join(why(f"{things.topic}:0:2"))
    assert "landed in raw.things" in story
    assert "consume things" in story
    command = shown_command(f"message {things.topic}:0:2")
    assert f"source bytes: `{command}`" in story
    assert "rejected: not_json" in "\n".join(why(f"{things.topic}:0:1"))


def test_a_message_read_again_is_checked_by_its_fingerprint(things: Things) -> None:
    things.send(b'{"id" :  1}', b"{", thing(3))
    things.consume()
    assert read_message(f"{things.topic}:0:0") == b'{"id" :  1}'
    assert read_message(f"{things.topic}:0:1") == b"{"
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 1})
    with pytest.raises(MessageGone, match="no longer holds this message"):
        read_message(f"{things.topic}:0:0")
    with pytest.raises(CoordinateUnknown, match="no message with this coordinate was landed or rejected"):
        read_message(f"{things.topic}:1:0")
    with pytest.raises(CoordinateUnknown, match="write TOPIC:PARTITION:OFFSET"):
        read_message(things.topic)
