"""The one place that resolves which Kafka cluster it is, how it is entered, and which topics it has."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.errors import InvalidTopicError, KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from loader.declarations import Source
from streaming.errors import BrokerAway, BrokerUnreachable, SourceHasNoTopic, TopicReplaced, TopicUnknown
from streaming.local_broker.process import address, answers, find_broker
from waybill.settings import Settings, get_settings

BOOTSTRAP_MS = 10_000
KNOCK_SECONDS = 2.0
WHICH_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # ApiVersions, which a broker answers before any login


@dataclass(frozen=True)
class Topic:
    """A topic as the broker knows it: a topic made anew under the same name has another id."""

    name: str
    topic_id: UUID
    partitions: tuple[int, ...]


def client_options(settings: Settings | None = None) -> dict[str, Any]:
    """Return what every Kafka client needs to reach the cluster: addresses, TLS, login.

    Raises:
        BrokerAway: none is named and the local one does not run.
    """
    settings = settings or get_settings()
    options: dict[str, Any] = {
        "bootstrap_servers": _addresses(settings),
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


def _addresses(settings: Settings) -> list[str]:
    if settings.kafka_bootstrap_servers:
        return [name.strip() for name in settings.kafka_bootstrap_servers.split(",")]
    place = find_broker(settings)
    found = address(place)
    if found is None or not answers(place):
        raise BrokerAway("no broker runs: start one with `make broker`, or set KAFKA_BOOTSTRAP_SERVERS")
    return [found]


def topic_name(source: Source) -> str:
    """Return the topic that a source is declared to come from.

    Raises:
        SourceHasNoTopic: its declaration names none.
    """
    if source.topic is None:
        raise SourceHasNoTopic(
            f"source {source.source} has no topic: add `topic: NAME` to loader/sources/{source.source}.yml"
        )
    return source.topic


def from_topic(source: Source, topic: str | None) -> Source:
    """Return a source as it comes from another topic than it declares; as it is when none is named."""
    return source.model_copy(update={"topic": topic}) if topic else source


def find_topic(name: str) -> Topic:
    """Ask the broker for a topic.

    Raises:
        TopicUnknown: it has none of this name.
        BrokerUnreachable: see there.
    """
    with admin() as client:
        found = _described(client, name)
    if found is None:
        raise TopicUnknown(
            f"no topic {name!r} at the broker: `python -m streaming.producer … --create PARTITIONS` makes it"
        )
    numbers = sorted(entry["partition_index"] for entry in found["partitions"])
    return Topic(name, UUID(str(found["topic_id"])), tuple(numbers))


def _described(client: KafkaAdminClient, name: str) -> dict[str, Any] | None:
    """Return what the broker says of a topic; None when it has none of this name. Raises KafkaError for all else."""
    (found,) = client.describe_topics([name])
    if found["error_code"] in (UnknownTopicOrPartitionError.errno, InvalidTopicError.errno):
        return None
    if found["error_code"]:
        raise for_code(found["error_code"])(name)
    return dict(found)


def create_topic(name: str, partitions: int, *, replicas: int = 1, configs: dict[str, str] | None = None) -> None:
    """Make a topic when there is none of this name; its partitions stay as they are when there is one."""
    settings = {"num_partitions": partitions, "replication_factor": replicas, "configs": configs or {}}
    with admin() as client:
        try:
            client.create_topics({name: settings})
        except TopicAlreadyExistsError:
            return
        client.wait_for_topics([name])


def delete_topic(name: str) -> None:
    """Delete a topic when there is one of this name, and all that was sent to it."""
    with admin() as client, suppress(UnknownTopicOrPartitionError):
        client.delete_topics([name])


@contextmanager
def admin() -> Iterator[KafkaAdminClient]:
    """Open an administration client.

    Raises:
        BrokerUnreachable: nobody answers, or it does not let us in.
    """
    options = client_options()
    with unreachable_said(options):
        client = KafkaAdminClient(**options, bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        with unreachable_said(options):
            yield client
    finally:
        client.close()


@contextmanager
def unreachable_said(options: dict[str, Any]) -> Iterator[None]:
    """Say in one line that the brokers do not answer or refuse us, whatever the client raised for it.

    Raises:
        BrokerAway: none of them serves anybody, or not yet.
        BrokerUnreachable: another failure; the client says the same of a wrong login as of silence.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it says all of it itself, many times over
    try:
        yield
    except (TopicAlreadyExistsError, UnknownTopicOrPartitionError):
        raise
    except (KafkaError, OSError) as error:
        where = ", ".join(options["bootstrap_servers"])
        reason = str(error) or type(error).__name__
        kind = BrokerUnreachable if any(map(_serves, options["bootstrap_servers"])) else BrokerAway
        raise kind(
            f"Kafka at {where} ({options['security_protocol']}) did not let us in: {reason}; "
            "check the KAFKA_… variables"
        ) from None


def _serves(address: str) -> bool:
    """Whether a question is answered, if only by hanging up; a broker that starts stays mute, or its port resets."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS) as connection:
            connection.sendall(WHICH_VERSIONS)
            connection.recv(1)
    except (OSError, ValueError):
        return False
    return True


class TopicWatch:
    """Tells whether a topic is still the one that it was; asked before anything that was read of it is believed."""

    def __init__(self, topic: Topic) -> None:
        """Open an administration client of its own, to be closed."""
        self.topic = topic
        self._checked_at = 0.0
        self._client = KafkaAdminClient(**client_options(), bootstrap_timeout_ms=BOOTSTRAP_MS)

    def check(self, age_seconds: float = 0.0) -> None:
        """Return when it is the same topic, or was so long ago at most.

        Raises:
            TopicReplaced: it was deleted or made anew.
            KafkaError: the broker does not answer.
        """
        if time.monotonic() - self._checked_at < age_seconds:
            return
        found = _described(self._client, self.topic.name)
        if found is None or UUID(str(found["topic_id"])) != self.topic.topic_id:
            raise TopicReplaced(
                f"topic {self.topic.name!r} was deleted or made anew while it was read; nothing of the new one was "
                "landed: run again, and --accept-gap begins it at its start"
            )
        self._checked_at = time.monotonic()

    def close(self) -> None:
        """Close the client."""
        self._client.close()
