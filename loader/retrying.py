"""Bears errors of the world: a server that is gone, full or busy is asked again, a bounded number of times."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from psycopg2 import InterfaceError, OperationalError
from psycopg2.errors import IdleInTransactionSessionTimeout, ProgramLimitExceeded
from psycopg2.extensions import connection as Connection

from warehouse.connection import connect, forget
from warehouse.errors import ServerNotStarted, ServerUnreachable

PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
# connection lost, server shut down or killed, disk full, too many connections, deadlock, lock or statement timeout;
# idle in a transaction: this process was suspended
TRANSIENT_ERRORS = (
    OperationalError, InterfaceError, IdleInTransactionSessionTimeout, ServerUnreachable, ServerNotStarted,
)  # fmt: skip

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Retrying:
    """Runs work on a connection, again on a new one when the world failed; work that gets on wins new patience."""

    def __init__(self) -> None:
        """Begin with all pauses ahead."""
        self._failures = 0
        self._connection: Connection | None = None

    def succeeded(self) -> None:
        """Note that the work got on since the last failure."""
        self._failures = 0

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work, which must be safe to do twice: it may have been committed when the answer was lost.

        Raises:
            psycopg2.Error, WarehouseError: the last failure, when the pauses are used up, or any other error at once.
        """
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect("loader")
                return work(self._connection)
            except TRANSIENT_ERRORS as error:
                self.close()
                if isinstance(error, ProgramLimitExceeded) or self._failures == len(PAUSES_SECONDS):
                    raise
                self._wait(error)

    def _wait(self, error: Exception) -> None:
        pause = PAUSES_SECONDS[self._failures]
        self._failures += 1
        logger.warning(
            "PostgreSQL failed (%s); nothing is lost, trying again seconds=%s attempt=%s of=%s",
            " ".join(str(error).split()),
            pause,
            self._failures,
            len(PAUSES_SECONDS),
        )
        time.sleep(pause)
        forget()  # the server may have to be started anew

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
