"""Runs work on a connection and repeats it on a new one after a transient error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from psycopg2.extensions import connection as Connection

from warehouse.connection import connect, forget
from warehouse.errors import ServerBusy
from warehouse.logins import Role
from waybill.backoff import Backoff, is_transient

Result = TypeVar("Result")


class ReconnectingConnection:
    """A role's connection that is opened when work needs it, and again after a transient error."""

    def __init__(self, role: Role, backoff: Backoff | None = None) -> None:
        """Open nothing yet; `backoff` holds the pauses between the attempts."""
        self._role: Role = role
        self._backoff = backoff or Backoff()
        self._connection: Connection | None = None

    def succeeded(self) -> None:
        """Note that the work has made progress, so that the next failure gets the full number of attempts."""
        self._backoff.reset()

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work, which must be safe to repeat: it may have been committed before the connection was lost.

        Raises:
            psycopg2.Error, WarehouseError: the last transient error when all attempts failed; any other error at once.
        """
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self._role)
                return work(self._connection)
            except Exception as error:
                has_waited = isinstance(error, ServerBusy) and self._backoff.is_limited
                if has_waited or not is_transient(error):
                    raise
                self.close()
                if not self._backoff.wait(error):
                    raise
                forget()  # an embedded server that was killed is started by the next connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
