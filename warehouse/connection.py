"""The one place that resolves which server it is and opens it, whoever asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import psycopg2
from psycopg2 import errorcodes, sql
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import URL, Engine, create_engine

from warehouse import embedded
from warehouse.errors import DatabaseMissing, EncodingRefused, ServerAway, ServerTooOld, ServerUnreachable
from warehouse.logins import Role, logins_file, read_logins, role_name
from warehouse.server_paths import ServerPaths, find_place
from waybill.settings import Settings, get_settings, relative_name

OLDEST_SERVER = 160000
ENCODING = "UTF8"  # of what is sent, COPY's documents too, and of the database that keeps it
# A loader that hangs inside its transaction lets go of its locks, one that waits for them says so and asks again.
LOADER_TIMEOUTS = {"lock_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}

# it will be said again of the same login; all else, a server that says it in another language too, may be over soon
REFUSING = re.compile(
    "authentication|password|pg_hba|does not exist|permission denied|not permitted|not support|certificate|invalid|"
    "unsupported"
)
QUOTED = re.compile('"[^"]*"')  # a name of host, database or login says nothing


@dataclass(frozen=True)
class Warehouse:
    """Which server and database are meant; `place` is set for the embedded server only."""

    settings: Settings
    place: ServerPaths | None

    @property
    def description(self) -> str:
        """Where it is, for a person to read."""
        if self.place:
            return f"embedded PostgreSQL {embedded.MAJOR_VERSION} in {self.place.data}"
        return f"PostgreSQL at {self.settings.pghost}:{self.settings.pgport}"


def current_warehouse() -> Warehouse:
    """Resolve the warehouse from the environment and `.env`, without starting anything."""
    settings = get_settings()
    return Warehouse(settings, find_place(settings) if settings.is_embedded else None)


def connection_parameters(role: Role) -> dict[str, str]:
    """Return libpq's keywords for a role's login; the server is up and the tables are there afterwards.

    Raises:
        WarehouseError: the server cannot be started or reached, or holds another layout.
    """
    warehouse = current_warehouse()
    _make_ready(warehouse)
    return login_parameters(warehouse, role)


def login_parameters(warehouse: Warehouse, role: Role, *, database: str | None = None) -> dict[str, str]:
    """Return libpq's keywords for a role's login, whether or not the server is up."""
    settings = warehouse.settings
    name = database or settings.pgdatabase
    common = {"dbname": name, "application_name": f"waybill {role}", "client_encoding": ENCODING}
    if role == "loader":
        common["options"] = " ".join(f"-c {name}={value}" for name, value in LOADER_TIMEOUTS.items())
    if warehouse.place:
        user = embedded.OWNER if role == "owner" else role_name(role)
        return {"host": str(warehouse.place.socket), "port": "5432", "user": user, **common}
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
    return open_connection(connection_parameters(role))


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
    """Connect, saying in one line where it failed and why.

    Raises:
        ServerAway: no answer, or one that may be another soon.
        ServerUnreachable: wrong password, no such database or login.
    """
    try:
        return psycopg2.connect(connect_timeout=10, **parameters)  # type: ignore[call-overload,no-any-return]
    except psycopg2.OperationalError as error:
        tried = [line for line in str(error).splitlines() if line.startswith("connection to server ")]
        reason = (
            tried[-1].partition(" failed: ")[2]
            if tried
            else str(error).strip().partition("\n")[0] or "it gave no reason"
        )
        user = parameters.get("user", "the default user")
        where = f"{parameters['host']}:{parameters['port']} as {user}"
        kind = ServerUnreachable if REFUSING.search(QUOTED.sub("", reason)) else ServerAway
        raise kind(f"PostgreSQL at {where} did not let us in: {reason}; {_way_in(user)}") from None


def _way_in(user: str) -> str:
    settings = get_settings()
    if user in read_logins(settings):
        return f"if its password is no longer that of {relative_name(logins_file(settings))}, remove this file"
    return "check the PG… variables, in the environment and in .env"


def engine(role: Role) -> Engine:
    """Return a SQLAlchemy engine for a role; cached for each server, database and role."""
    return _engine(tuple(sorted(connection_parameters(role).items())))


@cache
def _engine(parameters: tuple[tuple[str, str], ...]) -> Engine:
    known = dict(parameters)
    passed_on = ("host", "port", "application_name", "client_encoding", "sslmode", "options")
    query = {name: known[name] for name in passed_on if name in known}
    url = URL.create(
        "postgresql+psycopg2",
        username=known.get("user"),
        password=known.get("password"),
        database=known["dbname"],
        query=query,
    )
    return create_engine(url, pool_pre_ping=True)


@cache
def _make_ready(warehouse: Warehouse) -> None:
    """Start the embedded server if need be, and make database, logins and tables; once a process and warehouse."""
    from warehouse.schema import ensure_schema
    from warehouse.work_lock import renew_held

    if warehouse.place:
        embedded.start(warehouse.place)
        create_database(warehouse)
    connection = open_connection(login_parameters(warehouse, "owner"))
    try:
        check_version(connection.server_version)
        check_encoding(connection.get_parameter_status("server_encoding"), warehouse)
        ensure_schema(connection, warehouse.settings)
    finally:
        connection.close()
    renew_held()


def forget() -> None:
    """Forget what is known to be ready: the database was dropped, or the server stopped."""
    _make_ready.cache_clear()
    _engine.cache_clear()


def check_version(number: int) -> None:
    """Refuse a server that is older than the oldest that will do.

    Raises:
        ServerTooOld: by its name.
    """
    if number < OLDEST_SERVER:
        raise ServerTooOld(
            f"the server is PostgreSQL {number // 10000}, Waybill needs {OLDEST_SERVER // 10000} or newer: "
            "name another in PGHOST, or unset it to use the embedded one"
        )


def check_encoding(encoding: str | None, warehouse: Warehouse) -> None:
    """Refuse a database that cannot keep every character.

    Raises:
        EncodingRefused: by its name and encoding.
    """
    if encoding != ENCODING:
        raise EncodingRefused(
            f"the database {warehouse.settings.pgdatabase} of {warehouse.description} has the encoding {encoding}, "
            f"Waybill needs {ENCODING}: make one with `create database … encoding '{ENCODING}' template template0` "
            "and name it in PGDATABASE"
        )


def require_database(warehouse: Warehouse) -> None:
    """Return when the embedded server, which is started, has the database that was named; one of yours says so itself.

    Raises:
        DatabaseMissing: it has not, which is no reason to make an empty one for a name that was mistyped.
    """
    if warehouse.place is None or warehouse.settings.pgdatabase == Settings.model_fields["pgdatabase"].default:
        return
    embedded.start(warehouse.place)
    connection = open_connection(login_parameters(warehouse, "owner", database="postgres"))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select datname from pg_database where datallowconn and datname !~ '^(postgres|template1)$'")
            names = sorted(name for (name,) in cursor.fetchall())
    finally:
        connection.close()
    if warehouse.settings.pgdatabase not in names:
        there = f"there are {', '.join(names)}" if names else "there is none"
        raise DatabaseMissing(f"no database {warehouse.settings.pgdatabase}: {there}; check PGDATABASE")


def create_database(warehouse: Warehouse) -> None:
    """Make the database when it is missing; the server is up."""
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
