"""pgAdmin: how it gets the warehouse's address, keeps its key secret, and fails in one line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.support.external_server import ExternalServer
from warehouse.connection import connect, connection_parameters
from warehouse.pgadmin import process
from warehouse.pgadmin.errors import NotInstalled, NotStarted
from warehouse.pgadmin.paths import (
    CONFIGURATION,
    NO_LOGIN_LINE,
    READ_ONLY,
    PgAdminPaths,
    find_pgadmin,
    pgpass_line,
    write_configuration,
    write_servers,
)
from waybill.settings import get_settings

STAND_IN = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Guard(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path.endswith("?key=" + os.environ["PGADMIN_INT_KEY"]) else 401)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PGADMIN_INT_PORT"])), Guard).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PgAdminPaths]:
    """Return paths with an environment that holds a small program in place of pgAdmin, started and protected like it."""
    package = tmp_path / "venv" / "lib" / "python3" / "site-packages" / "pgadmin4"
    package.mkdir(parents=True)
    (package / "pgAdmin4.py").write_text(STAND_IN)
    (package / "setup.py").write_text("import sys; print(*sys.argv[1:], '\\nAdded 0 Server Group(s) and 1 Server(s).')")
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(PgAdminPaths, "python", python)
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    found = find_pgadmin(get_settings())
    yield found
    process.stop(found)


def server_of(paths: PgAdminPaths) -> dict[str, object]:
    [server] = json.loads(paths.servers.read_text())["Servers"].values()
    return dict(server)


def test_pgadmin_gets_the_read_only_login(module_database: str, tmp_path: Path) -> None:
    login = connection_parameters("reader")
    assert write_servers(PgAdminPaths(tmp_path), login, "reader")
    server = server_of(PgAdminPaths(tmp_path))
    assert (server["Host"], str(server["Port"]), server["Username"]) == (login["host"], login["port"], login["user"])
    assert server["MaintenanceDB"] == module_database
    assert server["PostConnectionSQL"] == READ_ONLY
    assert server["ConnectionParameters"]["passfile"] == str(tmp_path / "pgpass")  # type: ignore[index]
    assert (tmp_path / "pgpass").read_text() == (pgpass_line(login) if "password" in login else NO_LOGIN_LINE)


def test_its_session_settings_make_any_login_read_only(module_database: str) -> None:
    connection = connect("owner")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(READ_ONLY)
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("create table public.mine ()")
    connection.close()


def test_an_unchanged_address_is_not_imported_again(tmp_path: Path) -> None:
    paths, login = PgAdminPaths(tmp_path), {"host": "h", "port": "5432", "dbname": "d", "user": "u"}
    assert write_servers(paths, login, "reader")
    paths.data.mkdir()
    assert not write_servers(paths, login, "reader")
    assert write_servers(paths, login, "owner")


@pytest.mark.usefixtures("unset")
def test_its_password_file_works_for_libpq_and_its_owner_only(
    external: ExternalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in external.variables("creator", tmp_path).items():
        monkeypatch.setenv(name, value)
    settings = get_settings()
    assert settings.pgpassword
    login = {"host": "127.0.0.1", "port": str(external.port), "user": "creator", "dbname": "postgres"}
    paths = PgAdminPaths(tmp_path)
    write_servers(paths, {**login, "password": settings.pgpassword.get_secret_value()}, "reader")
    assert paths.passwords.stat().st_mode & 0o777 == 0o600
    assert settings.pgpassword.get_secret_value() not in paths.servers.read_text()
    monkeypatch.delenv("PGPASSWORD")
    psycopg2.connect(**login, passfile=str(paths.passwords)).close()


def test_a_password_with_the_separator_in_it_is_one_field() -> None:
    login = {"host": "h", "port": "1", "user": "u", "password": r"a:b\c"}
    assert pgpass_line(login) == "h:1:*:u:a\\:b\\\\c\n"


def test_its_configuration_is_local_and_holds_no_secret(tmp_path: Path) -> None:
    paths = PgAdminPaths(tmp_path)
    write_configuration(paths, 5050, tmp_path)
    configuration: dict[str, object] = {}
    exec(paths.configuration.read_text(), configuration)  # noqa: S102
    assert configuration["DEFAULT_SERVER"] == "127.0.0.1"
    assert configuration["SERVER_MODE"] is False
    for switched_off in ("ALLOW_SAVE_PASSWORD", "UPGRADE_CHECK_ENABLED", "SHOW_GRAVATAR_IMAGE", "LLM_ENABLED"):
        assert configuration[switched_off] is False
    assert "key" not in CONFIGURATION.lower()


def test_its_key_is_in_no_log_and_no_command_line(paths: PgAdminPaths) -> None:
    paths.servers.write_text("{}")
    found = process.start(paths, free_port(), import_servers=True)
    assert process.find_running_pgadmin(paths) == found
    output = paths.log.read_text()
    assert output.index("setup-db") < output.index(f"load-servers {paths.servers} --replace")
    assert found.details["key"] not in paths.log.read_text()
    assert found.details["key"] not in " ".join(psutil.Process(found.pid).cmdline())
    assert paths.state.stat().st_mode & 0o777 == 0o600
    assert paths.home.stat().st_mode & 0o777 == 0o700
    assert process.stop(paths)
    assert process.find_running_pgadmin(paths) is None
    assert not process.stop(paths)
    assert process.start(paths, free_port(), import_servers=False).details["key"] != found.details["key"]


def test_a_taken_port_is_named_with_its_variable(paths: PgAdminPaths) -> None:
    taken = r"port \d+ of 127.0.0.1 is in use: set another one in WAYBILL_PGADMIN_PORT"
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other, pytest.raises(NotStarted, match=taken):
        process.start(paths, other.server_port, import_servers=False)


def test_a_pgadmin_that_exits_at_once_names_its_log(paths: PgAdminPaths) -> None:
    (process._package(paths) / "pgAdmin4.py").write_text("raise SystemExit('broken')")
    with pytest.raises(NotStarted, match=r"did not start; its log .*pgadmin.log has the cause"):
        process.start(paths, free_port(), import_servers=False)
    assert "broken" in paths.log.read_text()


def test_a_failed_import_is_reported_and_repeated(paths: PgAdminPaths) -> None:
    paths.servers.write_text("{}")
    (process._package(paths) / "setup.py").write_text("print('Error: no')")
    with pytest.raises(NotStarted, match=r"did not import the warehouse's address; its log .* has the cause"):
        process.start(paths, free_port(), import_servers=True)
    assert not paths.servers.exists()


def test_without_its_environment_the_make_target_is_named(
    paths: PgAdminPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(PgAdminPaths, "python", tmp_path / "none" / "bin" / "python")
    with pytest.raises(NotInstalled, match="`make admin` installs it"):
        process.start(paths, free_port(), import_servers=False)


def test_stopping_without_a_running_pgadmin_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    output = subprocess.check_output([sys.executable, "-m", "warehouse.pgadmin", "down"], text=True)
    assert output == "not running: pgAdmin\n"
