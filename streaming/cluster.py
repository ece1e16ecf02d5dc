"""Connects to the Kafka cluster: its addresses, TLS and login, and one-line errors when it cannot be reached."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from streaming.errors import BrokerAway, BrokerUnreachable
from streaming.local_broker.process import broker_address, broker_paths, is_running
from waybill.settings import Settings, get_settings

BOOTSTRAP_MS = 10_000
PROBE_SECONDS = 2.0
API_VERSIONS_REQUEST = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # a broker answers it before any login


def client_options(settings: Settings | None = None) -> dict[str, Any]:
    """Return the options that every Kafka client needs to reach the cluster: addresses, TLS, login.

    Raises:
        BrokerAway: KAFKA_BOOTSTRAP_SERVERS is not set and the local broker is not running.
    """
    settings = settings or get_settings()
    options: dict[str, Any] = {
        "bootstrap_servers": _bootstrap_servers(settings),
        "client_id": "waybill",
        "security_protocol": settings.kafka_security_protocol,
    }
    if "SSL" in settings.kafka_security_protocol and settings.kafka_ssl_cafile:
        options["ssl_cafile"] = str(settings.kafka_ssl_cafile)
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        if settings.kafka_sasl_password:
            options["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    return options


def _bootstrap_servers(settings: Settings) -> list[str]:
    if settings.kafka_bootstrap_servers:
        return [name.strip() for name in settings.kafka_bootstrap_servers.split(",")]
    paths = broker_paths(settings)
    address = broker_address(paths)
    if address is None or not is_running(paths):
        raise BrokerAway("no broker is running: start one with `make broker`, or set KAFKA_BOOTSTRAP_SERVERS")
    return [address]


@contextmanager
def admin() -> Iterator[KafkaAdminClient]:
    """Open an administration client and close it afterwards.

    Raises:
        BrokerUnreachable: no broker answers, or the connection is refused.
    """
    options = client_options()
    with translate_kafka_errors(options):
        client = KafkaAdminClient(**options, bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        with translate_kafka_errors(options):
            yield client
    finally:
        client.close()


@contextmanager
def translate_kafka_errors(options: dict[str, Any]) -> Iterator[None]:
    """Translate any Kafka client error into a one-line BrokerAway or BrokerUnreachable.

    Raises:
        BrokerAway: no broker answers, or none is ready yet.
        BrokerUnreachable: any other failure; the client reports a wrong login in the same way as no answer.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the client logs the same failure many times
    try:
        yield
    except (TopicAlreadyExistsError, UnknownTopicOrPartitionError):
        raise
    except (KafkaError, OSError) as error:
        servers = options["bootstrap_servers"]
        reason = str(error) or type(error).__name__
        kind = BrokerUnreachable if any(map(is_serving, servers)) else BrokerAway
        raise kind(
            f"cannot use Kafka at {', '.join(servers)} ({options['security_protocol']}): {reason}; "
            "check the KAFKA_… variables"
        ) from None


def is_serving(server: str) -> bool:
    """Return whether a broker reacts to a request, even by closing the connection.

    A broker that is still starting does not answer, or resets the connection.
    """
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS) as connection:
            connection.sendall(API_VERSIONS_REQUEST)
            connection.recv(1)
    except (OSError, ValueError):
        return False
    return True
