"""The one place that resolves which server it is and opens it, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg2
from psycopg2 import errorcodes, sql
from sqlalchemy import URL, Engine, create_engine

from warehouse import embedded
from warehouse.errors import ServerTooOld, ServerUnreachable
from warehouse.server_place import ServerPlace, find_place
from warehouse.settings import Settings, get_settings

Role = Literal["owner", "loader", "transformer", "trainer", "reader"]
OLDEST_SERVER = 160000


@dataclass(frozen=True)
class Warehouse:
    """Which server and database are meant; `place` is set for the embedded server only."""

    settings: Settings
    place: ServerPlace | None

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
    settings = warehouse.settings
    _make_ready(str(warehouse.place and warehouse.place.socket), settings.pghost or "", settings.pgdatabase)
    return login_parameters(warehouse, role)


def login_parameters(warehouse: Warehouse, role: Role, *, database: str | None = None) -> dict[str, str]:
    """Return libpq's keywords for a role's login, whether or not the server is up."""
    settings = warehouse.settings
    common = {"dbname": database or settings.pgdatabase, "application_name": f"waybill {role}"}
    if warehouse.place:
        user = embedded.OWNER if role == "owner" else role_name(role)
        return {"host": str(warehouse.place.socket), "port": "5432", "user": user, **common}
    login = {"host": settings.pghost or "", "port": str(settings.pgport), **common}
    if settings.pgsslmode:
        login["sslmode"] = settings.pgsslmode
    password = None if role == "owner" else read_login(settings, role_name(role))
    if password:
        return {**login, "user": role_name(role), "password": password}
    if settings.pguser:
        login["user"] = settings.pguser
    if settings.pgpassword:
        login["password"] = settings.pgpassword.get_secret_value()
    return login


def role_name(role: Role) -> str:
    """Return the login's name on the server."""
    return f"waybill_{role}"


def read_login(settings: Settings, name: str) -> str | None:
    """Return the password that was made for a login on an external server, if there is one."""
    path = logins_file(settings)
    return read_logins(path).get(name) if path.exists() else None


def logins_file(settings: Settings) -> Path:
    """Return the file (mode 0600) that holds the passwords of the logins made on an external server."""
    server = quote(f"{settings.pghost}-{settings.pgport}", safe="")
    return settings.state_folder / f"logins-{server}"


def read_logins(path: Path) -> dict[str, str]:
    """Return name → password of a logins file."""
    return dict(line.split(":", 1) for line in path.read_text().splitlines())  # type: ignore[misc]


def connect(role: Role) -> psycopg2.extensions.connection:
    """Open one psycopg2 connection for a role."""
    return open_connection(connection_parameters(role))


def open_connection(parameters: dict[str, str]) -> psycopg2.extensions.connection:
    """Connect, saying in one line where it failed and why.

    Raises:
        ServerUnreachable: no answer, wrong password, no such database or login.
    """
    try:
        return psycopg2.connect(connect_timeout=10, **parameters)  # type: ignore[call-overload,no-any-return]
    except psycopg2.OperationalError as error:
        tried = [line for line in str(error).splitlines() if line.startswith("connection to server ")]
        reason = tried[-1].partition(" failed: ")[2] if tried else str(error).strip().splitlines()[0]
        where = f"{parameters.get('host')}:{parameters.get('port')} as {parameters.get('user', 'the default user')}"
        raise ServerUnreachable(f"PostgreSQL at {where} did not let us in: {reason}; check the PG… variables") from None


def engine(role: Role) -> Engine:
    """Return a SQLAlchemy engine for a role; cached for each server, database and role."""
    return _engine(tuple(sorted(connection_parameters(role).items())))


@cache
def _engine(parameters: tuple[tuple[str, str], ...]) -> Engine:
    known = dict(parameters)
    query = {name: known[name] for name in ("host", "port", "application_name", "sslmode") if name in known}
    url = URL.create(
        "postgresql+psycopg2",
        username=known.get("user"),
        password=known.get("password"),
        database=known["dbname"],
        query=query,
    )
    return create_engine(url, pool_pre_ping=True)


@cache
def _make_ready(socket: str, host: str, database: str) -> None:
    """Start the embedded server if need be, and make database, roles and tables; once a process and database."""
    from warehouse.schema import ensure_schema

    warehouse = current_warehouse()
    if warehouse.place:
        embedded.start(warehouse.place)
        create_database(warehouse)
    connection = open_connection(login_parameters(warehouse, "owner"))
    try:
        check_version(connection.server_version)
        ensure_schema(connection, warehouse)
    finally:
        connection.close()


def forget() -> None:
    """Forget what is known to be ready: the database was dropped, or the server stopped."""
    _make_ready.cache_clear()
    _engine.cache_clear()


def check_version(number: int) -> None:
    """Refuse a server that is older than PostgreSQL 16.

    Raises:
        ServerTooOld: by its name.
    """
    if number < OLDEST_SERVER:
        raise ServerTooOld(f"the server is PostgreSQL {number // 10000}, Waybill needs 16 or newer")


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
