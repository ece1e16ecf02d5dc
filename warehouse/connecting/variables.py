"""Decides which of libpq's own variables (`PG…`) apply, beside those that Waybill reads itself.

The embedded server: none. They describe another server, and any of them can keep libpq from connecting.
An external server: all that libpq honours, except those that would contradict PGHOST or change results.
"""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values

from warehouse.connecting.session import ENCODING, is_ours
from waybill.errors import SettingsError
from waybill.settings import Settings

READ_BY_WAYBILL = frozenset({"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"})
READ_BY_OTHERS = "PGADMIN_"  # variables of pgAdmin begin with it
SESSION = ("PGTZ", "PGDATESTYLE", "PGGEQO")  # libpq would send them after Waybill's session settings
ONLY_READING = ("read-only", "standby")


def apply_variables(settings: Settings) -> None:
    """Remove from this process's environment the variables that do not apply; its child processes inherit that.

    Those that `dbt_variables` has given stay: dbt opens sessions with them later.

    Raises:
        SettingsError: a variable would make libpq connect to another server than PGHOST, or is set where nothing reads
            it.
    """
    if settings.is_embedded:
        for name in [*other_variables(), "PGSSLMODE"]:
            os.environ.pop(name, None)
        return
    for name in SESSION:
        os.environ.pop(name, None)
    _refuse_contradictions()
    _refuse_unread_lines()


def other_variables() -> list[str]:
    """Return the variables in the environment that only libpq reads, without those that Waybill has set for dbt."""
    known = {*READ_BY_WAYBILL, "PGSSLMODE"}
    return sorted(
        name
        for name, value in os.environ.items()
        if name.startswith("PG")
        and value
        and name not in known
        and not name.startswith(READ_BY_OTHERS)
        and not _is_ours(name, value)
    )


def _is_ours(name: str, value: str) -> bool:
    return value == ENCODING if name == "PGCLIENTENCODING" else name == "PGOPTIONS" and is_ours(value)


def _refuse_contradictions() -> None:
    for name in ("PGHOSTADDR", "PGSERVICE"):
        if os.environ.get(name):
            raise SettingsError(
                f"{name} is set and names a server beside PGHOST: unset it and name the server in PGHOST, PGPORT, "
                "PGUSER and PGDATABASE"
            )
    wanted = os.environ.get("PGTARGETSESSIONATTRS")
    if wanted in ONLY_READING:
        raise SettingsError(
            f"PGTARGETSESSIONATTRS={wanted} asks for a server that only reads, and Waybill writes: unset it, or set it "
            "to read-write"
        )


def _refuse_unread_lines() -> None:
    """Refuse lines of `.env` that only libpq would understand: it reads the environment alone."""
    path = Settings.model_config.get("env_file")
    if not isinstance(path, str | Path) or not Path(path).exists():
        return
    unread = [
        name
        for name, value in dotenv_values(path).items()
        if value and name.startswith("PG") and name.lower() not in Settings.model_fields and name not in os.environ
        and not name.startswith(READ_BY_OTHERS)
    ]  # fmt: skip
    if unread:
        raise SettingsError(f"{unread[0]} is in .env, where libpq does not read it: set it in the environment instead")
