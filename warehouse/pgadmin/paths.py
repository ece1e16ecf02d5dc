"""pgAdmin's folders and the files that it reads: its configuration, the warehouse's address and login."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from warehouse.logins import Role
from waybill.atomic_files import write_private
from waybill.background_processes import LOOPBACK
from waybill.settings import PROJECT, Settings

CONFIGURATION = """
SERVER_MODE = False
DEFAULT_SERVER = {loopback!r}
DEFAULT_SERVER_PORT = {port}
DATA_DIR = {data!r}
LOG_FILE = {log!r}
DEFAULT_BINARY_PATHS = {{"pg": {binaries!r}}}
MASTER_PASSWORD_REQUIRED = False  # protects stored passwords, and none is stored
ALLOW_SAVE_PASSWORD = False
UPGRADE_CHECK_ENABLED = False
SHOW_GRAVATAR_IMAGE = False
LLM_ENABLED = False
"""
NO_LOGIN_LINE = "# none: the server identifies the operating-system user; without this file pgAdmin would ask for one\n"
READ_ONLY = "set session characteristics as transaction read only"


@dataclass(frozen=True)
class PgAdminPaths:
    """The folders of one pgAdmin."""

    home: Path

    @property
    def python(self) -> Path:
        """The Python of its own environment, which is in the project even if the state folder is elsewhere."""
        return PROJECT / ".waybill" / "pgadmin-venv" / "bin" / "python"

    @property
    def data(self) -> Path:
        """Its preferences, sessions and history."""
        return self.home / "data"

    @property
    def configuration(self) -> Path:
        """Its configuration, written at every start."""
        return self.home / "config.py"

    @property
    def servers(self) -> Path:
        """The warehouse's address, in pgAdmin's import format."""
        return self.home / "servers.json"

    @property
    def passwords(self) -> Path:
        """libpq's password file, with the login's password if the server requires one."""
        return self.home / "pgpass"

    @property
    def state(self) -> Path:
        """The state file of the background process, with its port and key."""
        return self.home / "running.json"

    @property
    def log(self) -> Path:
        """Its log."""
        return self.home / "pgadmin.log"


def find_pgadmin(settings: Settings) -> PgAdminPaths:
    """Return the paths of this project's pgAdmin; create its folder, which only its owner can open."""
    paths = PgAdminPaths(settings.state_folder / "pgadmin")
    paths.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.home.chmod(0o700)
    return paths


def new_key() -> str:
    """Return a random key; pgAdmin refuses every request without it."""
    return secrets.token_urlsafe(32)


def write_configuration(paths: PgAdminPaths, port: int, binaries: Path) -> None:
    """Write the configuration that pgAdmin reads when it starts."""
    paths.configuration.write_text(
        CONFIGURATION.format(
            loopback=LOOPBACK, port=port, data=str(paths.data), log=str(paths.log), binaries=str(binaries)
        ),
        encoding="utf-8",
    )


def write_servers(paths: PgAdminPaths, login: dict[str, str], role: Role) -> bool:
    """Write the warehouse's address and, if there is one, its password; return whether the address has changed.

    The reader's sessions are set to read-only, which also protects a server where one login plays all roles.
    """
    write_private(paths.passwords, pgpass_line(login) if "password" in login else NO_LOGIN_LINE)
    parameters = {"sslmode": login.get("sslmode", "prefer"), "connect_timeout": 10, "passfile": str(paths.passwords)}
    server = {
        "Name": "Waybill",
        "Group": "Servers",
        "Host": login["host"],
        "Port": int(login["port"]),
        "MaintenanceDB": login["dbname"],
        "Username": login.get("user", ""),
        "ConnectionParameters": parameters,
    }
    if role == "reader":
        server["PostConnectionSQL"] = READ_ONLY
    wanted = json.dumps({"Servers": {"1": server}}, indent=2)
    if paths.data.exists() and paths.servers.exists() and paths.servers.read_text(encoding="utf-8") == wanted:
        return False
    paths.servers.write_text(wanted, encoding="utf-8")
    return True


def pgpass_line(login: dict[str, str]) -> str:
    """Return a login as a line of libpq's password file."""
    fields = (login["host"], login["port"], "*", login["user"], login["password"])
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
