"""The logins that play the roles: made on the server where it lets us, with passwords kept beside its name."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from pydantic import SecretStr

from waybill.atomic_files import write_private
from waybill.file_lock import file_lock
from waybill.settings import Settings

Role = Literal["owner", "loader", "transformer", "trainer", "reader"]
ROLES: tuple[Role, ...] = ("loader", "transformer", "trainer", "reader")


def role_name(role: Role) -> str:
    """Return the login's name on the server."""
    return f"waybill_{role}"


def logins_file(settings: Settings) -> Path:
    """Return the file (mode 0600) that holds the passwords of the logins that PGUSER made on an external server."""
    server = quote(f"{settings.pghost}-{settings.pgport}-{settings.pguser or ''}", safe="")
    return settings.state_folder / f"logins-{server}"


def read_logins(settings: Settings) -> dict[str, str]:
    """Return name → password of the logins made on an external server; empty where one login does it all."""
    path = logins_file(settings)
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(":", 1) for line in lines)  # type: ignore[misc]


def has_own_logins(settings: Settings) -> bool:
    """Whether each role has a login of its own, or one login does it all."""
    return settings.is_embedded or bool(read_logins(settings))


def ensure_logins(connection: Connection, settings: Settings) -> dict[Role, str]:
    """Make the logins that are missing where the server lets us; return role → the login that plays it; commits.

    1. Logins that stand on the server already are ours only when we have their passwords.
    2. The passwords are written before the logins are committed, so that none is ever lost; after a crash in
       between the next call makes the logins with the passwords that are there.
    3. Where one cannot be made, or is somebody else's, the login of the connection plays all roles.
    """
    with file_lock(settings.state_folder / "logins.lock"), connection, connection.cursor() as cursor:
        known = read_logins(settings)
        given = {role_name("reader"): settings.waybill_reader_password} if settings.waybill_reader_password else {}
        passwords = {name: known.get(name) or _password(given.get(name)) for name in map(role_name, ROLES)}
        cursor.execute("select rolname from pg_roles where rolname = any(%s)", [list(passwords)])
        present = {name for (name,) in cursor.fetchall()}
        missing = {name: password for name, password in passwords.items() if name not in present}
        are_ours = settings.is_embedded or present <= known.keys()
        if are_ours and _create(connection, missing, with_password=not settings.is_embedded):
            if not settings.is_embedded:
                _write(logins_file(settings), passwords)
            return {role: role_name(role) for role in ROLES}
        logins_file(settings).unlink(missing_ok=True)
        cursor.execute("select current_user")
        return dict.fromkeys(ROLES, cursor.fetchone()[0])  # type: ignore[index,return-value]


def find_logins(connection: Connection, settings: Settings) -> dict[Role, str]:
    """Return role → the login that plays it, creating none."""
    if has_own_logins(settings):
        return {role: role_name(role) for role in ROLES}
    return dict.fromkeys(ROLES, connection.info.user)


def _password(given: SecretStr | None) -> str:
    return given.get_secret_value() if given else secrets.token_urlsafe(24)


def _create(connection: Connection, missing: dict[str, str], *, with_password: bool) -> bool:
    """Create all of them or none; return whether they are there."""
    with connection.cursor() as cursor:
        cursor.execute("savepoint before_logins")
        try:
            for name, password in missing.items():
                login = sql.SQL("create role {} login").format(sql.Identifier(name))
                secret = sql.SQL(" password {}").format(sql.Literal(password)) if with_password else sql.SQL("")
                cursor.execute(login + secret)
                cursor.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(name)))
        except (errors.InsufficientPrivilege, errors.DuplicateObject, errors.UniqueViolation):
            cursor.execute("rollback to savepoint before_logins")
            return False
    return True


def _write(path: Path, passwords: dict[str, str]) -> None:
    write_private(path, "".join(f"{name}:{password}\n" for name, password in passwords.items()))
