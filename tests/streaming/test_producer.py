"""The producer sends every document unchanged, with its business key, and counts acknowledged messages."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loader.declarations import Source, read_source
from loader.documents import read_documents
from streaming.errors import NotAcknowledged, SourceHasNoTopic, TopicUnknown
from streaming.producer import main
from streaming.producing.delivery_report import DeliveryReport
from streaming.producing.documents import Pace, business_key
from streaming.producing.sending import ProducerOptions, produce
from streaming.topics import create_topic
from tests.support.declared.orders import declare_orders, order
from tests.support.kafka.independent_client import read_messages, read_topic


@pytest.fixture(autouse=True)
def orders(topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    declare_orders(tmp_path / "declared", monkeypatch, topic=topic)
    return read_source("orders")


def line(number: int) -> bytes:
    return json.dumps(order(number)).encode()


def test_documents_are_sent_unchanged_with_their_business_key(broker: str, orders: Source, tmp_path: Path) -> None:
    lines = [line(1), b'  {"cut": ', b"\xff\xfe", b"[1, 2]", line(2).replace(b": ", b" :  ")]
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(lines) + b"\n\n")
    create_topic(orders.topic or "", 1)
    report = produce(orders, (str(tmp_path / "a.ndjson"),))
    assert (report.sent, report.acknowledged, report.reasons) == (5, 5, [])
    assert report.summary == "sent 5, acknowledged 5; offsets partition 0: 0 to 4"
    found = list(read_messages(broker, orders.topic or ""))
    assert [message.value() for message in found] == [line.strip() for line in lines]
    assert [message.key() for message in found] == [
        b'["NE",1,"2013-12-01"]', None, None, None, b'["NE",2,"2013-12-01"]',
    ]  # fmt: skip


def test_one_key_stays_in_one_partition_in_its_order(broker: str, orders: Source, tmp_path: Path) -> None:
    lines = [line(number % 7).replace(b"}", b"} ", 1) for number in range(70)]
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(lines))
    create_topic(orders.topic or "", 4)
    report = produce(orders, (str(tmp_path / "a.ndjson"),), ProducerOptions(compression="zstd"))
    assert report.acknowledged == 70
    assert sum(last - first + 1 for first, last in report.offsets.values()) == 70
    partitions: dict[bytes, set[int]] = {}
    for message in read_messages(broker, orders.topic or ""):
        partitions.setdefault(message.key(), set()).add(message.partition())
    assert len(partitions) == 7
    assert all(len(numbers) == 1 for numbers in partitions.values())


def test_it_keeps_the_rate_and_loops_until_stopped(broker: str, orders: Source, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(line(number) for number in range(10)))
    create_topic(orders.topic or "", 1)
    reached: list[int] = []

    def stop_after_a_while(report: DeliveryReport) -> None:
        reached.append(report.sent)
        if report.sent >= 500:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        produce(
            orders,
            (str(tmp_path / "a.ndjson"),),
            ProducerOptions(Pace(rate=1000, loop=True), on_progress=stop_after_a_while),
        )
    assert time.monotonic() - started >= 500 / 1000
    assert len(list(read_topic(broker, orders.topic or ""))) == 500


def test_a_message_over_the_brokers_limit_is_named(broker: str, orders: Source, tmp_path: Path) -> None:
    large = json.dumps({"order_number": 1, "padding": "x" * 2_000_000}).encode()
    (tmp_path / "a.ndjson").write_bytes(line(1) + b"\n" + large + b"\n" + line(2))
    create_topic(orders.topic or "", 1)
    with pytest.raises(NotAcknowledged, match=r"1 of 3 documents were not acknowledged: .*a.ndjson:2: ") as refused:
        produce(orders, (str(tmp_path / "a.ndjson"),))
    assert "xxx" not in str(refused.value)
    assert len(list(read_topic(broker, orders.topic or ""))) == 2


def test_an_unknown_topic_and_a_source_without_one_are_named(broker: str, orders: Source, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(line(1))
    with pytest.raises(TopicUnknown, match=r"--create PARTITIONS"):
        produce(orders, (str(tmp_path / "a.ndjson"),))
    with pytest.raises(SourceHasNoTopic, match=r"add `topic: NAME` to loader/sources/orders.yml"):
        produce(orders.model_copy(update={"topic": None}), ())


def test_an_unreadable_key_is_null(orders: Source) -> None:
    assert business_key(orders, b"{") is None
    assert business_key(orders, b'{"shop": "NE"}') is None
    assert business_key(orders, b"[]") is None


def test_the_command_creates_the_topic_and_counts_messages(broker: str, topic: str, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(line(1) + b"\n" + line(2))
    arguments = ["orders", str(tmp_path / "a.ndjson"), "--topic", topic, "--create", "1", "--compression", "none"]
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.output) == (0, "sent 2, acknowledged 2; offsets partition 0: 0 to 1\n")
    assert len(list(read_topic(broker, topic))) == 2


def test_ctrl_c_reports_the_acknowledged_messages(
    broker: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.ndjson").write_bytes(line(1) + b"\n" + line(2))

    def interrupted(source: Source, files: tuple[str, ...]) -> Any:
        yield from read_documents(source, files)
        raise KeyboardInterrupt

    monkeypatch.setattr("streaming.producing.documents.read_documents", interrupted)
    create_topic(topic, 1)
    done = CliRunner().invoke(main, ["orders", str(tmp_path / "a.ndjson"), "--topic", topic])
    assert done.exit_code != 0
    assert "sent 2, acknowledged 2; offsets partition 0: 0 to 1\n" in done.output


def test_failures_are_counted_and_the_first_few_are_shown() -> None:
    report = DeliveryReport()
    for number in range(1000):
        report.fail(f"a.ndjson:{number}", ValueError("no"))
    assert (report.failed, report.reasons) == (1000, [f"a.ndjson:{number}: no" for number in range(3)])
