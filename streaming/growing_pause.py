"""How long to wait for a broker or a database that is away: longer each time, and said each time."""

from __future__ import annotations

import logging
import threading

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from psycopg2.errors import ProgramLimitExceeded

from streaming.errors import BrokerAway
from warehouse.errors import ServerAway, ServerUnreachable

REFUSED = (
    AuthorizationError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
    ProgramLimitExceeded,
    ServerUnreachable,
)
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0

logger = logging.getLogger(__name__)


def is_transient(error: Exception) -> bool:
    """Whether it may be over by itself; a login, a right or a statement that is refused will be refused again."""
    return isinstance(error, ServerAway) or not isinstance(error, REFUSED)


class Backoff:
    """The pauses of one piece of work that is tried until it is done, or until it is to stop."""

    def __init__(self, stopping: threading.Event) -> None:
        """Begin with the shortest; `stopping` ends any of them."""
        self._stopping = stopping
        self._seconds = FIRST_SECONDS

    def wait(self, error: Exception) -> bool:
        """Say who is away and wait; return whether it is to stop."""
        who = "Kafka" if isinstance(error, KafkaError | BrokerAway) else "the database"
        reason = str(error).strip().partition("\n")[0]
        logger.warning("%s does not answer, waiting seconds=%.1f reason=%s", who, self._seconds, reason)
        is_stopped = self._stopping.wait(self._seconds)
        self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
        return is_stopped
