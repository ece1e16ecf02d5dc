"""libpq's own variables: ignored by the embedded server, honoured or refused by name for an external one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.databases import own_server
from tests.support.external_server import ExternalServer
from warehouse.connection import current_warehouse
from waybill.errors import SettingsError
from waybill.settings import Settings

pytestmark = pytest.mark.usefixtures("unset")

# Each keeps libpq from connecting to the embedded server, or makes it connect to another one.
VARIABLES = {
    "PGSERVICE": "elsewhere",
    "PGSERVICEFILE": "/nowhere/pg_service.conf",
    "PGHOSTADDR": "192.0.2.1",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGTARGETSESSIONATTRS": "standby",
    "PGCHANNELBINDING": "require",
    "PGSSLMODE": "wrong",
    "PGSSLROOTCERT": "/nowhere/root.crt",
    "PGSSLMINPROTOCOLVERSION": "TLSv9",
    "PGSSLNEGOTIATION": "wrong",
    "PGREQUIRESSL": "1",
    "PGREQUIREPEER": "nobody-here",
    "PGGSSENCMODE": "wrong",
    "PGLOADBALANCEHOSTS": "wrong",
    "PGMINPROTOCOLVERSION": "9.9",
    "PGCONNECT_TIMEOUT": "soon",
    "PGOPTIONS": "-c no_such_setting=1",
    "PGTZ": "No/Such_Zone",
    "PGDATESTYLE": "wrong",
    "PGCLIENTENCODING": "wrong",
    "PGPASSFILE": "/nowhere/pgpass",
    "PGAPPNAME": "theirs",
    "PGSYSCONFDIR": "/nowhere",
}


def psql(statement: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "warehouse", "psql", "-Atc", statement]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.server
def test_the_embedded_server_ignores_all_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".psqlrc").write_text("\\connect elsewhere\n")
    monkeypatch.setenv("HOME", str(home))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with own_server():
        result = psql("select current_database()")
        assert (result.returncode, result.stdout, result.stderr) == (0, "waybill\n", "")
        command = [str(Path(sys.executable).with_name("dbt")), "debug", "--connection", "--log-path", str(tmp_path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
        assert answer.returncode == 0, answer.stdout


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGADMIN_DEFAULT_EMAIL", "me@example.org")
    monkeypatch.setenv("PGTZ", "Asia/Kolkata")
    current_warehouse()
    assert os.environ["PGADMIN_DEFAULT_EMAIL"] == "me@example.org"
    assert "PGTZ" not in os.environ


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PGHOSTADDR", "192.0.2.1", "PGHOSTADDR is set and names a server beside PGHOST: unset it"),
        ("PGSERVICE", "elsewhere", "PGSERVICE is set and names a server beside PGHOST: unset it"),
        ("PGTARGETSESSIONATTRS", "standby", "PGTARGETSESSIONATTRS=standby asks for a server that only reads"),
    ],
)
def test_what_contradicts_the_settings_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        current_warehouse()


def test_a_line_of_env_that_only_libpq_knows_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PGHOST=db.example.org\nPGSSLROOTCERT=/etc/ca.pem\n")
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / "env")
    with pytest.raises(SettingsError, match=r"PGSSLROOTCERT is in \.env, where libpq does not read it: set it in the"):
        current_warehouse()
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ca.pem")
    assert current_warehouse().settings.pghost == "db.example.org"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PGREQUIREAUTH", "none", "authentication method requirement"),
        ("PGREQUIREAUTH", "wrong", "invalid require_auth value"),
        ("PGCHANNELBINDING", "require", "channel binding"),
        ("PGSSLROOTCERT", "system", "SSL was required"),
        ("PGGSSENCMODE", "wrong", "invalid gssencmode value"),
        ("PGCONNECT_TIMEOUT", "soon", "invalid integer value"),
        ("PGOPTIONS", "-c no_such_setting=1", 'unrecognized configuration parameter "no_such_setting"'),
    ],
)
def test_an_external_server_honours_the_others_at_once(
    external: ExternalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    for variable, known in external.variables("plain", tmp_path).items():
        monkeypatch.setenv(variable, known)
    monkeypatch.setenv("PGDATABASE", "postgres")
    monkeypatch.setenv(name, value)
    started = time.monotonic()
    result = psql("select 1")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line
    assert line.endswith(f"check the PG… variables ({name} too), in the environment and in .env")
    assert time.monotonic() - started < 20
