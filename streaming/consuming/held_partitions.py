"""The partitions that the Kafka client holds. Its own thread may revoke one between any two calls."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import IllegalStateError

POSITION_MS = 10_000
NOT_HELD_ERRORS = (IllegalStateError, KeyError, ValueError)  # the client raises these for a partition it just lost


class HeldPartitions:
    """One topic's partitions in a Kafka client. Calls on a partition we no longer hold are no-ops or return None."""

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        """Wrap an open client."""
        self._consumer = consumer
        self._topic = topic

    def partition(self, number: int) -> TopicPartition:
        """Return a partition as the client names it."""
        return TopicPartition(self._topic, number)

    def numbers(self) -> set[int]:
        """Return the numbers of the partitions that we hold now."""
        return {tp.partition for tp in self._consumer.assignment()}

    def seek(self, number: int, offset: int) -> None:
        """Continue reading a partition at an offset."""
        with suppress(*NOT_HELD_ERRORS):
            self._consumer.seek(self.partition(number), offset)

    def pause(self, numbers: Iterable[int]) -> None:
        """Stop fetching from partitions."""
        for number in numbers:
            with suppress(*NOT_HELD_ERRORS):
                self._consumer.pause(self.partition(number))

    def resume(self, numbers: Iterable[int]) -> None:
        """Fetch from partitions again."""
        for number in numbers:
            with suppress(*NOT_HELD_ERRORS):
                self._consumer.resume(self.partition(number))

    def position(self, number: int) -> int | None:
        """Return the offset that is read next, after any transaction markers; None when no broker answers."""
        with suppress(*NOT_HELD_ERRORS):
            offset: int | None = self._consumer.position(self.partition(number), timeout_ms=POSITION_MS)
            return offset
        return None

    def highwater(self, number: int) -> int | None:
        """Return the offset after the log's last message, as of the last fetch."""
        with suppress(*NOT_HELD_ERRORS):
            offset: int | None = self._consumer.highwater(self.partition(number))
            return offset
        return None
