"""Finds, creates, deletes and watches topics, each identified by the id that the broker gave it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kafka import KafkaAdminClient
from kafka.errors import InvalidTopicError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from loader.declarations import Source
from streaming.cluster import BOOTSTRAP_MS, admin, client_options
from streaming.errors import SourceHasNoTopic, TopicReplaced, TopicUnknown
from waybill.cli import shown_command


@dataclass(frozen=True)
class Topic:
    """A topic as the broker knows it. A topic that was deleted and created again has a new id."""

    name: str
    topic_id: UUID
    partitions: tuple[int, ...]


def topic_name(source: Source) -> str:
    """Return the topic that a source's declaration names.

    Raises:
        SourceHasNoTopic: the declaration names no topic.
    """
    if source.topic is None:
        raise SourceHasNoTopic(
            f"source {source.source} has no topic: add `topic: NAME` to loader/sources/{source.source}.yml"
        )
    return source.topic


def with_topic(source: Source, topic: str | None) -> Source:
    """Return the source with another topic than it declares; return it unchanged when `topic` is None."""
    if topic == "":
        raise TopicUnknown("the topic's name is empty: name a topic, or leave out --topic")
    return source if topic is None else source.model_copy(update={"topic": topic})


def find_topic(name: str) -> Topic:
    """Return the topic of this name with its id and partitions.

    Raises:
        TopicUnknown: the broker has no topic of this name.
        BrokerUnreachable: the broker cannot be reached.
    """
    with admin() as client:
        description = _describe(client, name)
    if description is None:
        raise TopicUnknown(
            f"the broker has no topic {name!r}: `{shown_command('produce SOURCE --create PARTITIONS')}` creates it"
        )
    numbers = sorted(entry["partition_index"] for entry in description["partitions"])
    return Topic(name, UUID(str(description["topic_id"])), tuple(numbers))


def _describe(client: KafkaAdminClient, name: str) -> dict[str, Any] | None:
    """Return the broker's description of a topic, or None when it has no such topic; raise KafkaError otherwise."""
    (description,) = client.describe_topics([name])
    if description["error_code"] in (UnknownTopicOrPartitionError.errno, InvalidTopicError.errno):
        return None
    if description["error_code"]:
        raise for_code(description["error_code"])(name)
    return dict(description)


def create_topic(name: str, partitions: int, *, replicas: int = 1, configs: dict[str, str] | None = None) -> None:
    """Create a topic unless one of this name exists; an existing topic keeps its partitions."""
    settings = {"num_partitions": partitions, "replication_factor": replicas, "configs": configs or {}}
    with admin() as client:
        try:
            client.create_topics({name: settings})
        except TopicAlreadyExistsError:
            return
        client.wait_for_topics([name])


def delete_topic(name: str) -> None:
    """Delete a topic and its messages, if it exists."""
    with admin() as client, suppress(UnknownTopicOrPartitionError):
        client.delete_topics([name])


class TopicWatch:
    """Checks that a topic still has its id. Checked before any message that was read from it is trusted."""

    def __init__(self, topic: Topic) -> None:
        """Open an administration client, which `close` closes."""
        self.topic = topic
        self._checked_at = 0.0
        self._client = KafkaAdminClient(**client_options(), bootstrap_timeout_ms=BOOTSTRAP_MS)

    def check(self, max_age_seconds: float = 0.0) -> None:
        """Ask the broker for the topic's id, unless the last check is younger than `max_age_seconds`.

        Raises:
            TopicReplaced: the topic was deleted, or created again under the same name.
            KafkaError: the broker does not answer.
        """
        if time.monotonic() - self._checked_at < max_age_seconds:
            return
        description = _describe(self._client, self.topic.name)
        if description is None or UUID(str(description["topic_id"])) != self.topic.topic_id:
            raise TopicReplaced(
                f"topic {self.topic.name!r} was deleted or recreated while it was being read; no message of the new "
                "topic was landed: run again, with --accept-gap to begin at the start of the new topic"
            )
        self._checked_at = time.monotonic()

    def close(self) -> None:
        """Close the client."""
        self._client.close()
