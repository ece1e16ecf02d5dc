"""The partitions that the client holds for us, which its own thread may take away between any two calls."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import IllegalStateError

POSITION_MS = 10_000
NOT_OURS = (IllegalStateError, KeyError, ValueError)  # what the client raises for a partition that it has just lost


class HeldPartitions:
    """One topic's partitions in a consumer; what is asked of one that was lost does nothing, or says None."""

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        """Take the consumer that holds them."""
        self._consumer = consumer
        self._topic = topic

    def partition(self, number: int) -> TopicPartition:
        """Return a partition as the client names it."""
        return TopicPartition(self._topic, number)

    def numbers(self) -> set[int]:
        """Return the partitions that are ours now."""
        return {tp.partition for tp in self._consumer.assignment()}

    def seek(self, number: int, offset: int) -> None:
        """Read on at an offset."""
        with suppress(*NOT_OURS):
            self._consumer.seek(self.partition(number), offset)

    def pause(self, numbers: Iterable[int]) -> None:
        """Fetch no more of them."""
        for number in numbers:
            with suppress(*NOT_OURS):
                self._consumer.pause(self.partition(number))

    def resume(self, numbers: Iterable[int]) -> None:
        """Fetch them again."""
        for number in numbers:
            with suppress(*NOT_OURS):
                self._consumer.resume(self.partition(number))

    def position(self, number: int) -> int | None:
        """Return the offset that is read next, behind the markers of transactions; None when nobody answers."""
        with suppress(*NOT_OURS):
            found: int | None = self._consumer.position(self.partition(number), timeout_ms=POSITION_MS)
            return found
        return None

    def highwater(self, number: int) -> int | None:
        """Return the offset behind the log's last message, as far as it was heard of."""
        with suppress(*NOT_OURS):
            found: int | None = self._consumer.highwater(self.partition(number))
            return found
        return None
