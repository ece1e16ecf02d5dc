"""PostgreSQL 16 over TCP with scram, like a server that a user brings: for fixtures, or for whole test runs.

`python -m tests.support.external_server creator -m creator` runs pytest with one of its logins (or `superuser`).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from warehouse.logins import ROLES, role_name
from warehouse.server_paths import ServerPaths, installed_binaries, reachable_binaries, server_user
from waybill.settings import get_settings

INSTALL = "pginstall"  # the wheel's PostgreSQL 16
PASSWORD = r"""p@ss:w/r'd #"$HOME%s\ é"""  # noqa: S105
LOGINS = {
    "creator": "createrole createdb",  # can create the project's logins
    "plain": "createdb",  # cannot: one login does everything
}
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
log_connections = on
"""


@dataclass(frozen=True)
class ExternalServer:
    """A running server, and the variables for each of its logins."""

    paths: ServerPaths
    port: int

    def variables(self, login: str, folder: Path) -> dict[str, str]:
        """Return the variables that name the server, a login and a state folder."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": login,
            "PGPASSWORD": PASSWORD,
            "WAYBILL_STATE": str(folder / f"state-{login}"),
        }

    def execute(self, statement: str, *values: str) -> None:
        """Run one statement as the superuser."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="superuser", password=PASSWORD, dbname="postgres"
        )
        connection.autocommit = True
        connection.cursor().execute(statement, values or None)
        connection.close()

    def logins_to(self, database: str) -> int:
        """Return the number of accepted connections to a database."""
        log = self.paths.log.read_text()
        return len(re.findall(rf"connection authorized: user=\S+ database={database}", log))

    def drop_logins(self) -> None:
        """Drop the project's logins, as if the server had been recreated."""
        for role in ROLES:
            self.execute(f"drop role if exists {role_name(role)}")

    def start(self) -> None:
        """Start the server."""
        started = self.paths.command("pg_ctl", "-D", self.paths.data, "-w", "-l", self.paths.log, "start")
        assert started.returncode == 0, self.paths.log.read_text()

    def stop(self) -> None:
        """Stop the server and end its connections."""
        self.paths.command("pg_ctl", "-D", self.paths.data, "-w", "-m", "fast", "stop")


@contextmanager
def external_server() -> Iterator[ExternalServer]:
    """Create a server on a free loopback port; remove it at the end."""
    is_root = os.geteuid() == 0  # an ordinary user runs the server as himself, like the embedded one
    user = server_user(get_settings())
    with tempfile.TemporaryDirectory(prefix="waybill-external-") as name:
        folder = Path(name)
        if is_root:
            os.chown(folder, user.pw_uid, user.pw_gid)
        binaries = reachable_binaries(user, INSTALL) if is_root else installed_binaries(INSTALL)
        paths = ServerPaths(binaries, folder / "data", folder, folder / "lock", folder / "log", user)
        server = ExternalServer(paths, _free_port())
        _initialise(server)
        server.start()
        try:
            for login, rights in LOGINS.items():
                server.execute(f"create role {login} login {rights} password %s", PASSWORD)
            yield server
        finally:
            server.stop()


def _initialise(server: ExternalServer) -> None:
    paths = server.paths
    passwords = paths.data.with_name("password")
    passwords.write_text(PASSWORD)
    arguments = ["-U", "superuser", "--pwfile", passwords, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
    made = paths.command("initdb", "-D", paths.data, *arguments)
    assert made.returncode == 0, made.stderr
    with (paths.data / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION.format(port=server.port))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main(login: str, arguments: list[str]) -> int:
    """Run pytest on a server that exists as long as the run."""
    with external_server() as server, tempfile.TemporaryDirectory() as folder:
        variables = server.variables(login, Path(folder))
        code = subprocess.call([sys.executable, "-m", "pytest", *arguments], env={**os.environ, **variables})
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code  # its only tests may be those of a removed sample


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
