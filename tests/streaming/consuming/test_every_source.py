"""Consumers of all declared topics: one command starts, watches and stops them."""

from __future__ import annotations

import sys
import threading

import pytest
from click.testing import CliRunner

from loader import declarations
from streaming import every_source
from streaming.consumer import main as consume
from streaming.errors import ConsumerEnded, ConsumerFailed
from streaming.every_source import consume_every, main
from streaming.producer import main as produce
from tests.support.kafka.things import Things, thing, until
from waybill.cli import TRY_AGAIN


@pytest.fixture
def declared(things: Things, monkeypatch: pytest.MonkeyPatch) -> Things:
    """The source `things` as the only one with a topic, also for the processes that are started."""
    monkeypatch.setattr(every_source, "topics", lambda: {"things": things.topic})
    command = [sys.executable, "-m", "tests.support.kafka.consume", str(things.folder)]
    monkeypatch.setattr(every_source, "CONSUMER", command)
    return things


def test_each_topic_is_consumed_until_its_end(declared: Things) -> None:
    declared.send(thing(1), thing(2))
    consume_every(["--until-end"], None, threading.Event())
    assert declared.landed() == [1, 2]


def test_a_stop_ends_all_consumers(declared: Things) -> None:
    stopping = threading.Event()
    running = threading.Thread(target=consume_every, args=([], None, stopping))
    running.start()
    declared.send(thing(1))
    until(lambda: declared.landed() == [1])
    stopping.set()
    running.join(40)
    assert not running.is_alive()


def test_a_consumer_that_fails_stops_the_others(declared: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_source, "topics", lambda: {"things": declared.topic, "nosuch": "nosuch"})
    failed = r"the consumer of nosuch failed, see above; the others were stopped"
    with pytest.raises(ConsumerFailed, match=failed) as caught:
        consume_every([], None, threading.Event())
    assert not caught.value.is_transient
    monkeypatch.setattr(every_source, "CONSUMER", [sys.executable, "-c", f"import sys; sys.exit({TRY_AGAIN})"])
    with pytest.raises(ConsumerEnded):
        consume_every([], None, threading.Event())


@pytest.mark.parametrize(("command", "arguments"), [(consume, []), (main, ["2"])])
def test_without_a_topic_it_says_what_to_do(
    command: object, arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(declarations, "SOURCES", tmp_path)
    done = CliRunner().invoke(command, arguments)  # type: ignore[arg-type]
    assert (done.exit_code, done.output.count("\n")) == (0, 1)
    assert "waybill new NAME FILE`" in done.output


def test_a_producer_without_a_source_names_the_variable() -> None:
    done = CliRunner().invoke(produce, [])
    assert done.exit_code == 2
    assert "set WAYBILL_PRODUCED_SOURCE in .env" in done.output
