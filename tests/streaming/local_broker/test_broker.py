"""The local broker is a real Kafka: it starts, restarts, keeps its messages, and supports TLS and SASL."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from kafka import KafkaProducer

from loader.declarations import read_source
from streaming.broker import broker as broker_command
from streaming.cluster import admin
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.errors import BrokerAway, BrokerUnreachable, JarsMissing, JavaMissing, TopicUnknown
from streaming.local_broker import jars as jars_module
from streaming.local_broker.configuration import ExtraListener
from streaming.local_broker.jars import fetch_jars
from streaming.local_broker.java import find_java
from streaming.local_broker.process import BrokerPaths, broker_address, choose_ports, find_broker_process, is_running
from streaming.local_broker.server import start_broker, stop_broker
from streaming.message import read_message
from streaming.producing.sending import produce
from streaming.topics import create_topic, find_topic
from tests.support.databases import rows
from tests.support.declared.orders import DECLARATION, declare_orders, order
from tests.support.kafka.broker import own_broker_paths
from tests.support.kafka.independent_client import read_topic
from waybill.background_processes import LOOPBACK, remember


def send(server: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=server)
    for value in values:
        producer.send(topic, value, partition=0)
    producer.flush(30)
    producer.close()


def values(server: str, topic: str) -> list[bytes | None]:
    return [value for _, _, value in read_topic(server, topic)]


def test_a_killed_broker_restarts_with_its_ports_and_messages(
    broker: str, session_broker: BrokerPaths, topic: str
) -> None:
    create_topic(topic, 1)
    send(broker, topic, b"one", b"two")
    before = find_broker_process(session_broker)
    assert before
    before.kill()
    before.wait(10)
    assert not is_running(session_broker)
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    assert start_broker(session_broker) is True
    os.close(theirs)
    assert os.read(ours, 1) == b""  # the broker inherits no file of its caller: it would keep a pipe or lock open
    os.close(ours)
    assert broker_address(session_broker) == broker
    assert values(broker, topic) == [b"one", b"two"]
    assert start_broker(session_broker) is False


def test_ports_taken_by_another_process_are_not_used(tmp_path: Path) -> None:
    paths = BrokerPaths(tmp_path)
    first = choose_ports(paths)
    remember(paths.state, os.getpid(), port=first[0], controller_port=first[1])
    assert choose_ports(paths) == first
    with socket.create_server((LOOPBACK, first[1])):
        assert not set(choose_ports(paths)) & set(first)


def test_a_recreated_topic_has_another_id(broker: str, topic: str) -> None:
    create_topic(topic, 2)
    first = find_topic(topic)
    create_topic(topic, 5)  # it exists already
    assert find_topic(topic) == first
    assert first.partitions == (0, 1)
    with admin() as client:
        client.delete_topics([topic])
    with pytest.raises(TopicUnknown, match=f"the broker has no topic '{topic}'"):
        find_topic(topic)
    create_topic(topic, 1)
    assert find_topic(topic).topic_id != first.topic_id


def test_without_a_broker_one_line_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(BrokerAway, match="start one with `make broker`, or set KAFKA_BOOTSTRAP_SERVERS"):
        find_topic("orders")
    output = CliRunner().invoke(broker_command, ["status"]).output
    assert output == "broker:   not running (start it: make broker)\n"


def test_a_jar_with_another_hash_is_fetched_again_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session_broker: BrokerPaths
) -> None:
    good = session_broker.jars / "resolved"
    (tmp_path / "resolved").mkdir()
    for path in good.rglob("*.jar"):
        (tmp_path / "resolved" / path.name).symlink_to(path)
    assert len(fetch_jars(tmp_path)) == len(list(good.rglob("*.jar")))
    victim = next((tmp_path / "resolved").glob("kafka-clients-*.jar"))
    victim.unlink()
    victim.write_bytes(b"PK not this one")
    monkeypatch.setattr(jars_module, "_resolve", lambda folder: "no network")
    with pytest.raises(JarsMissing, match=r"1 of the broker's \d+ jars .* kafka-clients-.*: connect to the network"):
        fetch_jars(tmp_path)


def test_an_older_java_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() != old
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setattr("streaming.local_broker.java._from_wheel", lambda: None)
    with pytest.raises(JavaMissing, match="no Java 17 or newer: install one, or type `make java`"):
        find_java()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a key store for 127.0.0.1 and its certificate with Java's keytool."""
    folder = tmp_path_factory.mktemp("tls")
    keytool = find_java().resolve().with_name("keytool")
    store = ["-keystore", str(folder / "broker.p12"), "-storetype", "PKCS12", "-storepass", "only-for-tests"]
    make = ["-genkeypair", "-alias", "broker", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "SAN=IP:127.0.0.1"]
    subprocess.run([keytool, *make, *store], check=True, capture_output=True)
    export = ["-exportcert", "-rfc", "-alias", "broker", "-file", str(folder / "ca.pem")]
    subprocess.run([keytool, *export, *store], check=True, capture_output=True)
    return folder


def test_tls_and_a_login_are_taken_from_the_environment(
    guarded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, topic: str, database: str
) -> None:
    (port, _) = choose_ports(BrokerPaths(tmp_path / "none"))
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_waybill="let-me-in";'
    properties = {
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": login,
        "listener.name.guarded.ssl.keystore.location": str(guarded / "broker.p12"),
        "listener.name.guarded.ssl.keystore.type": "PKCS12",
        "listener.name.guarded.ssl.keystore.password": "only-for-tests",
    }
    paths = own_broker_paths(tmp_path / "broker")
    start_broker(paths, ExtraListener("GUARDED", port, "SASL_SSL", properties))
    try:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{port}")
        monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
        monkeypatch.setenv("KAFKA_SSL_CAFILE", str(guarded / "ca.pem"))
        monkeypatch.setenv("KAFKA_SASL_MECHANISM", "PLAIN")
        monkeypatch.setenv("KAFKA_SASL_USERNAME", "waybill")
        monkeypatch.setenv("KAFKA_SASL_PASSWORD", "let-me-in")
        create_topic(topic, 1)
        assert find_topic(topic).partitions == (0,)
        declare_orders(tmp_path / "declared", monkeypatch, topic=topic)
        (tmp_path / "declared" / "cafes.yml").write_text(yaml.safe_dump({**DECLARATION, "source": "cafes"}))
        orders = read_source("orders")
        lines = tmp_path / "orders.ndjson"
        lines.write_text("\n".join(json.dumps(order(number)) for number in range(1, 4)))
        assert produce(orders, (str(lines),)).acknowledged == 3
        metrics = ConsumerMetrics("orders")
        consume(orders, ConsumerOptions(until_end=True), metrics)
        assert (metrics.landed, metrics.rejected) == (3, 0)
        tables = {name for (name,) in rows("select tablename from pg_tables where schemaname = 'raw'")}
        assert tables == {"orders", "cafes"}, "the marts need the raw tables of all sources"
        assert read_message(f"{topic}:0:2") == json.dumps(order(3)).encode()
        monkeypatch.setattr("streaming.cluster.BOOTSTRAP_MS", 8000)
        monkeypatch.setenv("KAFKA_SASL_PASSWORD", "wrong")
        with pytest.raises(BrokerUnreachable, match="cannot use Kafka") as refused:
            find_topic(topic)
        assert "wrong" not in str(refused.value)
        assert not isinstance(refused.value, BrokerAway)
        monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
        with pytest.raises(BrokerUnreachable, match="cannot use Kafka"):
            find_topic(topic)
    finally:
        stop_broker(paths)
