"""Where pgAdmin stands, and what it is told: its configuration, the warehouse's address and login, the key."""

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
MASTER_PASSWORD_REQUIRED = False  # no password is kept that one would have to guard
ALLOW_SAVE_PASSWORD = False
UPGRADE_CHECK_ENABLED = False
SHOW_GRAVATAR_IMAGE = False
LLM_ENABLED = False
"""
UNASKED = "# none is needed: the server asks the system who it is; without this file pgAdmin would ask for one\n"
READ_ONLY = "set session characteristics as transaction read only"


@dataclass(frozen=True)
class PgAdminPaths:
    """The folders of one pgAdmin."""

    home: Path

    @property
    def python(self) -> Path:
        """The Python of its own environment, which stands in the project wherever the state is."""
        return PROJECT / ".waybill" / "pgadmin-venv" / "bin" / "python"

    @property
    def data(self) -> Path:
        """What it keeps: preferences, sessions, history."""
        return self.home / "data"

    @property
    def configuration(self) -> Path:
        """Its configuration, written at every start."""
        return self.home / "config.py"

    @property
    def servers(self) -> Path:
        """The warehouse's address, in the form that pgAdmin imports."""
        return self.home / "servers.json"

    @property
    def passwords(self) -> Path:
        """The login's password in libpq's form, where the server asks for one."""
        return self.home / "pgpass"

    @property
    def state(self) -> Path:
        """What is remembered of the process that runs: its number, birth, port and key."""
        return self.home / "running.json"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home / "pgadmin.log"


def find_admin(settings: Settings) -> PgAdminPaths:
    """Return where this project's pgAdmin stands; its folder is made, for its owner alone."""
    place = PgAdminPaths(settings.state_folder / "pgadmin")
    place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.home.chmod(0o700)
    return place


def new_key() -> str:
    """Return a key that nobody can guess; whoever has not got it is refused by pgAdmin."""
    return secrets.token_urlsafe(32)


def write_configuration(place: PgAdminPaths, port: int, binaries: Path) -> None:
    """Write what pgAdmin reads when it starts."""
    place.configuration.write_text(
        CONFIGURATION.format(
            loopback=LOOPBACK, port=port, data=str(place.data), log=str(place.log), binaries=str(binaries)
        )
    )


def write_servers(place: PgAdminPaths, login: dict[str, str], role: Role) -> bool:
    """Write the warehouse's address and, where there is one, its password; return whether the address is another.

    A session of the reader begins read-only, so that it is one too where a single login does it all.
    """
    write_private(place.passwords, pgpass_line(login) if "password" in login else UNASKED)
    parameters = {"sslmode": login.get("sslmode", "prefer"), "connect_timeout": 10, "passfile": str(place.passwords)}
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
    if place.data.exists() and place.servers.exists() and place.servers.read_text() == wanted:
        return False
    place.servers.write_text(wanted)
    return True


def pgpass_line(login: dict[str, str]) -> str:
    """Return a login as a line of libpq's password file."""
    fields = (login["host"], login["port"], "*", login["user"], login["password"])
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
