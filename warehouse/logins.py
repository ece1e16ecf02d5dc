"""Creates one login for each role if the server permits it, and keeps the passwords in a file for each server."""

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

Role = Literal["owner", "loader", "transformer", "trainer", "keeper", "api", "reader"]
ROLES: tuple[Role, ...] = ("loader", "transformer", "trainer", "keeper", "api", "reader")


def role_name(role: Role) -> str:
    """Return the name of the role's login on the server."""
    return f"waybill_{role}"


def logins_file(settings: Settings) -> Path:
    """Return the file (mode 0600) with the passwords of the logins that PGUSER created on an external server."""
    server = quote(f"{settings.pghost}-{settings.pgport}-{settings.pguser or ''}", safe="")
    return settings.state_folder / f"logins-{server}"


def read_logins(settings: Settings) -> dict[str, str]:
    """Return name → password of the logins created on an external server; empty if one login plays all roles."""
    path = logins_file(settings)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split(":", 1) for line in lines)  # type: ignore[misc]


def own_logins(settings: Settings) -> list[Role]:
    """Return the roles with their own login; the login that PGUSER names plays the others."""
    known = read_logins(settings)
    return [role for role in ROLES if settings.is_embedded or role_name(role) in known]


def ensure_logins(connection: Connection, settings: Settings) -> dict[Role, str]:
    """Create the missing logins if the server permits it, and commit; return role → the login that plays it.

    1. Logins that exist on the server already are used only if their passwords are in the file.
    2. The passwords are written to the file before the logins are committed, so that none is lost. After a crash in
       between, the next call creates the logins with the passwords in the file.
    3. If none can be created, or one is another program's, the login of the connection plays all roles. If only the
       login of a role that a newer version brings cannot be created, it plays this one, and the others stay.
    """
    with file_lock(settings.state_folder / "logins.lock"), connection, connection.cursor() as cursor:
        known = read_logins(settings)
        given = {role_name("reader"): settings.waybill_reader_password} if settings.waybill_reader_password else {}
        passwords = {name: known.get(name) or _password(given.get(name)) for name in map(role_name, ROLES)}
        cursor.execute("select rolname from pg_roles where rolname = any(%s)", [list(passwords)])
        present = {name for (name,) in cursor.fetchall()}
        missing = {name: password for name, password in passwords.items() if name not in present}
        are_own = settings.is_embedded or present <= known.keys()
        if are_own and _create(connection, missing, with_password=not settings.is_embedded):
            if not settings.is_embedded:
                _write(logins_file(settings), passwords)
            return {role: role_name(role) for role in ROLES}
        kept = present if are_own else set()
        if kept:
            _write(logins_file(settings), {name: known[name] for name in kept})
        else:
            logins_file(settings).unlink(missing_ok=True)
        cursor.execute("select current_user")
        (current,) = cursor.fetchone()  # type: ignore[misc]
        return {role: role_name(role) if role_name(role) in kept else current for role in ROLES}


def find_logins(connection: Connection, settings: Settings) -> dict[Role, str]:
    """Return role → the login that plays it; if roles have their own logins, create that of a new role."""
    if own_logins(settings):
        return ensure_logins(connection, settings)
    return dict.fromkeys(ROLES, connection.info.user)


def _password(given: SecretStr | None) -> str:
    return given.get_secret_value() if given else secrets.token_urlsafe(24)


def _create(connection: Connection, missing: dict[str, str], *, with_password: bool) -> bool:
    """Create all of them or none; return whether they exist."""
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
