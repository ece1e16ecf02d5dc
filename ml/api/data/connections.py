"""A small pool of connections for reading, which survives a restart of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from ml.api.data.errors import DatabaseAway
from warehouse.connecting.refusals import reason_of
from warehouse.connecting.session import session_options
from warehouse.connection import connection_parameters, current_warehouse, login_parameters, open_connection
from warehouse.errors import ServerAway, ServerNotStarted, ServerUnreachable
from waybill.backoff import is_transient

SIZE = 4  # more connections than cores read no faster
WAIT_SECONDS = 2.0  # for a free connection
SESSION = {"statement_timeout": "5s", "jit": "off"}
# A network that drops packets is noticed within seconds; libpq ignores these for a socket.
NETWORK = {"connect_timeout": "3", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3"}
NETWORK |= {"tcp_user_timeout": "10000"}

Result = TypeVar("Result")


def prepare_database() -> None:
    """Start the embedded server, create or migrate the tables; called once, before the API answers.

    Raises:
        DatabaseAway: the server does not answer now.
        WarehouseError: the tables belong to another version, or another session keeps them locked.
    """
    try:
        connection_parameters("api")
    except (ServerAway, ServerNotStarted) as error:
        raise DatabaseAway(str(error)) from None


def open_for_api(**more: str) -> Connection:
    """Open a connection of the role api that is not in a transaction between statements; start no server.

    `more` are settings of the session, which take precedence over SESSION.

    Raises:
        DatabaseAway: the server does not answer, or refuses the connection.
    """
    parameters = login_parameters(current_warehouse(), "api")
    parameters |= {**NETWORK, "options": session_options(**{**SESSION, **more})}
    try:
        connection = open_connection(parameters)
    except ServerUnreachable as error:
        raise DatabaseAway(str(error)) from None
    connection.autocommit = True
    return connection


class Connections:
    """At most `size` connections that only read; nothing is opened before it is needed."""

    def __init__(self, size: int = SIZE, wait_seconds: float = WAIT_SECONDS) -> None:
        """Open nothing yet; a thread waits so many seconds for a connection that another one uses."""
        self._size, self._wait_seconds = size, wait_seconds
        self._slots = threading.BoundedSemaphore(size)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def run(self, work: Callable[[Cursor], Result]) -> Result:
        """Do work that only reads, and return its result; repeat it once if a connection was lost while it was idle.

        Raises:
            DatabaseAway: the database cannot be reached, takes too long, or all connections are in use.
        """
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise DatabaseAway(f"all {self._size} connections to the database are in use: try again in a moment")
        try:
            return self._run(work)
        finally:
            self._slots.release()

    def _run(self, work: Callable[[Cursor], Result]) -> Result:
        while True:
            connection, was_idle = self._take()
            try:
                with connection.cursor() as cursor:
                    result = work(cursor)
            except Exception as error:
                if not is_transient(error):
                    self._put_back(connection)
                    raise
                is_lost = connection.closed != 0
                connection.close()
                if not (is_lost and was_idle):
                    raise _away(error) from None
                self._close_idle()  # they are as old as this one
            except BaseException:
                connection.close()
                raise
            else:
                self._put_back(connection)
                return result

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their work ends."""
        self._is_closed = True
        self._close_idle()

    def _take(self) -> tuple[Connection, bool]:
        """Return a connection, and whether it was opened before."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return open_for_api(default_transaction_read_only="on"), False

    def _put_back(self, connection: Connection) -> None:
        """Keep a connection for later work; close one that is lost, or in a transaction that the work did not end."""
        is_usable = connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        with self._lock:
            if is_usable and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _away(error: Exception) -> DatabaseAway:
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return DatabaseAway(f"the database took longer than {SESSION['statement_timeout']} to answer: try again")
    return DatabaseAway(f"the connection to the database was lost: {reason_of(error)}")
