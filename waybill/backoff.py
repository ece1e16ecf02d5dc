"""Waits between attempts when PostgreSQL or Kafka is unavailable: one list of transient errors, one set of pauses."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from psycopg2 import DatabaseError, InterfaceError, OperationalError
from psycopg2.errors import IdleInTransactionSessionTimeout, ProgramLimitExceeded, TransactionTimeout

from waybill.errors import WaybillError

PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
LIMITED_ATTEMPTS = 6  # half a minute in all: a command that somebody waits for reports the error after it

# Connection lost, server shut down or killed, disk full, too many connections, deadlock, lock or statement timeout.
# The last two are not OperationalErrors in psycopg2: a transaction took longer than the server allows, because the
# server was slow, or because this process was suspended inside it.
TRANSIENT_POSTGRES_ERRORS = (OperationalError, InterfaceError, IdleInTransactionSessionTimeout, TransactionTimeout)

logger = logging.getLogger(__name__)


def is_transient(error: BaseException) -> bool:
    """Return True for errors worth retrying. Authentication, permission and statement errors are not.

    Waybill's own errors declare it (`WaybillError.is_transient`). A wrong password or a missing database
    (`ServerUnreachable`) is never retried, in the loader as in the consumer: nothing changes it while a command runs,
    and an error after half a minute of attempts helps less than one at once. Everything that may pass, such as a
    server that is starting or has no connection left, arrives as its subclass `ServerAway`, which is retried.
    """
    if isinstance(error, WaybillError):
        return error.is_transient
    if isinstance(error, ProgramLimitExceeded):  # a kind of OperationalError in psycopg2, but its cause is the document
        return False
    return isinstance(error, TRANSIENT_POSTGRES_ERRORS) or _is_lost_connection(error) or _is_transient_in_kafka(error)


def _is_lost_connection(error: BaseException) -> bool:
    """Return True for psycopg2's base class without a code: libpq's own message, and no server's error.

    While a server restarts, psycopg2 can raise it for a lost connection instead of an OperationalError.
    """
    return type(error) is DatabaseError and error.pgcode is None


def _is_transient_in_kafka(error: BaseException) -> bool:
    if not _is_from_kafka(error):  # the client's import costs time that the loader does not have to spend
        return False
    from kafka.errors import (
        AuthorizationError,
        KafkaError,
        SaslAuthenticationFailedError,
        UnsupportedSaslMechanismError,
    )

    refused = (AuthorizationError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError)
    return isinstance(error, KafkaError) and not isinstance(error, refused)


def _is_from_kafka(error: BaseException) -> bool:
    return any(base.__module__.partition(".")[0] == "kafka" for base in type(error).__mro__)


class Backoff:
    """The pauses of one piece of work that is attempted until it succeeds.

    Without `stopping`, the pauses end after a limited number of attempts. With it, the last pause repeats for as long
    as it takes, and setting the event ends the current pause at once.
    """

    def __init__(self, pauses: Sequence[float] | None = None, stopping: threading.Event | None = None) -> None:
        """Begin with the shortest pause; `pauses` are seconds."""
        limit = None if stopping else LIMITED_ATTEMPTS
        self._pauses = PAUSES_SECONDS[:limit] if pauses is None else tuple(pauses)
        self._stopping = stopping
        self._failures = 0

    @property
    def is_limited(self) -> bool:
        """True if the number of attempts is limited."""
        return self._stopping is None

    def reset(self) -> None:
        """Begin with the shortest pause again: the work has made progress since the last failure."""
        self._failures = 0

    def wait(self, error: BaseException) -> bool:
        """Log the error and wait; return whether to try again.

        Returns False when the pauses are used up, or when `stopping` was set before or during the pause.
        """
        if self._stopping is None and self._failures >= len(self._pauses):
            return False
        seconds = self._pauses[min(self._failures, len(self._pauses) - 1)]
        self._failures += 1
        attempt = f"{self._failures}/{len(self._pauses)}" if self._stopping is None else str(self._failures)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        logger.warning("transient error, trying again seconds=%.1f attempt=%s error=%s", seconds, attempt, reason)
        if self._stopping is not None:
            return not self._stopping.wait(seconds)
        time.sleep(seconds)
        return True
