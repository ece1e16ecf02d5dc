"""Finds the PostgreSQL server that the settings name, makes it ready, and opens connections for each role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import psycopg2
from psycopg2 import errorcodes, sql
from psycopg2.extensions import cursor as Cursor

from warehouse import embedded
from warehouse.connecting.refusals import class_of, reason_of
from warehouse.connecting.session import ENCODING, check_replication_role, session_options
from warehouse.connecting.variables import apply_variables, other_variables
from warehouse.errors import DatabaseMissing, EncodingRefused, ServerAway, ServerBusy, ServerTooOld, ServerUnreachable
from warehouse.logins import Role, logins_file, read_logins, role_name
from warehouse.server_paths import ServerPaths, find_server_paths
from waybill.backoff import Backoff, is_transient
from waybill.settings import Settings, get_settings, relative_name

if TYPE_CHECKING:
    from sqlalchemy import Engine

MIN_SERVER_VERSION = 160000
TRANSACTION_TIMEOUT_VERSION = 170000
# A loader that hangs inside a transaction loses it and its locks; one that waits too long for a lock reports it and
# tries again.
LOADER_TIMEOUTS = {"lock_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}

BUSY_ADVICE = "end other connections, raise the limit on connections, or wait, and run the same command again"
CONNECT_SECONDS = "10"  # unless PGCONNECT_TIMEOUT is set

Result = TypeVar("Result")


@dataclass(frozen=True)
class Warehouse:
    """The server and database that the settings name; `server` is None if the server is an external one."""

    settings: Settings
    server: ServerPaths | None

    @property
    def description(self) -> str:
        """The server's kind and address, for messages."""
        if self.server:
            return f"embedded PostgreSQL {embedded.MAJOR_VERSION} in {self.server.data}"
        return f"PostgreSQL at {self.settings.pghost}:{self.settings.pgport}"


_ready: set[Warehouse] = set()  # that this process has started and whose tables are up to date


def current_warehouse() -> Warehouse:
    """Return the warehouse that the environment and `.env` name, without starting anything."""
    settings = get_settings()
    apply_variables(settings)
    return Warehouse(settings, find_server_paths(settings) if settings.is_embedded else None)


def connection_parameters(role: Role) -> dict[str, str]:
    """Return libpq's keywords for a role's login; start the server and create or migrate the tables first.

    Raises:
        DatabaseMissing: the reader's database does not exist.
        WarehouseError: the server cannot be started or reached, or its tables cannot be migrated.
    """
    warehouse = current_warehouse()
    if warehouse not in _ready:
        when_not_busy(lambda: _make_ready(warehouse, role))
    return login_parameters(warehouse, role)


def login_parameters(warehouse: Warehouse, role: Role, *, database: str | None = None) -> dict[str, str]:
    """Return libpq's keywords for a role's login without starting or preparing anything."""
    settings = warehouse.settings
    name = database or settings.pgdatabase
    common = {
        "dbname": name,
        "application_name": f"waybill {role}",
        "client_encoding": ENCODING,
        "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT") or CONNECT_SECONDS,
        "options": session_options(**(LOADER_TIMEOUTS if role == "loader" else {})),
    }
    if warehouse.server:
        user = embedded.OWNER if role == "owner" else role_name(role)
        return {"host": str(warehouse.server.socket), "port": "5432", "user": user, **common}
    login = {"host": settings.pghost or "", "port": str(settings.pgport), **common}
    if settings.pgsslmode:
        login["sslmode"] = settings.pgsslmode
    password = read_logins(settings).get(role_name(role))
    if password:
        return {**login, "user": role_name(role), "password": password}
    if settings.pguser:
        login["user"] = settings.pguser
    if settings.pgpassword:
        login["password"] = settings.pgpassword.get_secret_value()
    return login


def connect(role: Role) -> psycopg2.extensions.connection:
    """Open one psycopg2 connection for a role."""
    return when_not_busy(lambda: open_connection(connection_parameters(role)))


@contextmanager
def cursor_of(role: Role, name: str | None = None) -> Iterator[Cursor]:
    """Give a cursor for one transaction on a new connection: committed if the block succeeds, closed at its end.

    With a `name`, PostgreSQL keeps the result of the one query and sends it in portions.
    """
    connection = connect(role)
    try:
        with connection, connection.cursor(name) as cursor:
            yield cursor
    finally:
        connection.close()


def open_connection(parameters: dict[str, str]) -> psycopg2.extensions.connection:
    """Connect, or raise an error whose one line says where and why it failed.

    Raises:
        ServerAway: the server does not answer, or refuses the connection for a reason that may pass.
        ServerUnreachable: the password is wrong, the database or login does not exist, or libpq refuses a variable.
    """
    try:
        connection: psycopg2.extensions.connection = psycopg2.connect(**parameters)  # type: ignore[call-overload]
    except psycopg2.OperationalError as error:
        where = f"{parameters['host']}:{parameters['port']} as {parameters.get('user', 'the default user')}"
        refusal = class_of(error)
        advice = _advise(parameters, refusal)
        raise refusal(f"PostgreSQL at {where} refused the connection: {reason_of(error)}; {advice}") from None
    try:
        _lift_transaction_timeout(connection)
    except psycopg2.Error as error:  # it had accepted the connection
        connection.close()
        if not is_transient(error):
            raise
        raise ServerAway(f"PostgreSQL at {parameters['host']} closed a new connection: {reason_of(error)}") from None
    return connection


def _lift_transaction_timeout(connection: psycopg2.extensions.connection) -> None:
    """Let transactions take as long as they need, as pg_dump does.

    PostgreSQL ends the session of one that takes longer than a `transaction_timeout`, and libpq then reports a lost
    connection without the cause. PostgreSQL 16 has no such setting, and refuses it in the start-up options.
    """
    if connection.server_version >= TRANSACTION_TIMEOUT_VERSION:
        with connection, connection.cursor() as cursor:
            cursor.execute("set transaction_timeout = 0")


def _advise(parameters: dict[str, str], refusal: type[ServerUnreachable]) -> str:
    if refusal is ServerBusy:
        return BUSY_ADVICE
    server = current_warehouse().server
    if refusal is ServerAway and server and parameters["host"] == str(server.socket):
        return embedded.advice(server)
    settings = get_settings()
    if parameters.get("user") in read_logins(settings):
        return f"if its password has changed, remove the file {relative_name(logins_file(settings))}"
    others = f" ({', '.join(others)} too)" if (others := other_variables()) else ""
    return f"check the PG… variables{others}, in the environment and in .env"


def when_not_busy(work: Callable[[], Result]) -> Result:
    """Do the work. While the server runs but accepts no connection, wait and repeat it a limited number of times."""
    backoff = Backoff()
    while True:
        try:
            return work()
        except ServerBusy as error:
            if not backoff.wait(error):
                raise


def start_server(warehouse: Warehouse) -> None:
    """Start the embedded server unless it is running; wait while it accepts no connection. Do nothing for others."""
    if server := warehouse.server:
        when_not_busy(lambda: embedded.start(server))


def engine(role: Role) -> Engine:
    """Return the SQLAlchemy engine for a role, one for each server, database and role."""
    return _engine(tuple(sorted(connection_parameters(role).items())))


@cache
def _engine(parameters: tuple[tuple[str, str], ...]) -> Engine:
    from sqlalchemy import URL, create_engine  # loads and consumers do without: it is half of their start-up time

    known = dict(parameters)
    in_query = ("host", "port", "application_name", "client_encoding", "connect_timeout", "sslmode", "options")
    query = {name: known[name] for name in in_query if name in known}
    url = URL.create(
        "postgresql+psycopg2",
        username=known.get("user"),
        password=known.get("password"),
        database=known["dbname"],
        query=query,
    )
    return create_engine(url, pool_pre_ping=True, creator=lambda: when_not_busy(lambda: open_connection(known)))


def _make_ready(warehouse: Warehouse, role: Role) -> None:
    """Start the embedded server, create the database, create or migrate the tables; once per process and warehouse."""
    from warehouse.migrations.workers import renew_held
    from warehouse.schema import ensure_schema

    if warehouse.server:
        embedded.start(warehouse.server)
        if role == "reader":
            require_database(warehouse)
        create_database(warehouse)
    connection = open_connection(login_parameters(warehouse, "owner"))
    try:
        check_version(connection.server_version)
        check_encoding(connection.get_parameter_status("server_encoding"), warehouse)
        check_replication_role(connection)
        ensure_schema(connection, warehouse.settings)
    finally:
        connection.close()
    _ready.add(warehouse)
    renew_held()


def forget() -> None:
    """Make the next connection prepare the warehouse again, after the server was stopped or the database dropped."""
    _ready.clear()
    _engine.cache_clear()


def check_version(number: int) -> None:
    """Raise ServerTooOld if the server is older than PostgreSQL 16."""
    if number < MIN_SERVER_VERSION:
        raise ServerTooOld(
            f"the server is PostgreSQL {number // 10000}, Waybill needs {MIN_SERVER_VERSION // 10000} or newer: "
            "name another in PGHOST, or unset it to use the embedded one"
        )


def check_encoding(encoding: str | None, warehouse: Warehouse) -> None:
    """Raise EncodingRefused if the database cannot store every character."""
    if encoding != ENCODING:
        raise EncodingRefused(
            f"the database {warehouse.settings.pgdatabase} of {warehouse.description} has the encoding {encoding}, "
            f"Waybill needs {ENCODING}: create one with `create database … encoding '{ENCODING}' template template0` "
            "and name it in PGDATABASE"
        )


def require_database(warehouse: Warehouse) -> None:
    """Raise DatabaseMissing if the running embedded server has no database of the name in PGDATABASE.

    The name is probably mistyped, and a command that only reads must not create an empty database. An external server
    reports a missing database itself.
    """
    if warehouse.settings.pgdatabase == Settings.model_fields["pgdatabase"].default:
        return
    names = database_names(warehouse)
    if warehouse.settings.pgdatabase not in names:
        existing = f"the server has {', '.join(names)}" if names else "the server has none yet"
        raise DatabaseMissing(f"no database {warehouse.settings.pgdatabase}: {existing}; check PGDATABASE")


def database_names(warehouse: Warehouse) -> list[str]:
    """Return the names of the databases on the running embedded server, without its own."""
    connection = open_connection(login_parameters(warehouse, "owner", database="postgres"))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select datname from pg_database where datallowconn and datname !~ '^(postgres|template1)$'")
            return sorted(name for (name,) in cursor.fetchall())
    finally:
        connection.close()


def create_database(warehouse: Warehouse) -> None:
    """Create the database if it is missing; the server is running."""
    connection = open_connection(login_parameters(warehouse, "owner", database="postgres"))
    connection.autocommit = True
    name = warehouse.settings.pgdatabase
    try:
        with connection.cursor() as cursor:
            cursor.execute("select from pg_database where datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    except psycopg2.Error as error:
        if error.pgcode not in (errorcodes.DUPLICATE_DATABASE, errorcodes.UNIQUE_VIOLATION):
            raise
    finally:
        connection.close()
