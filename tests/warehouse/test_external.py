"""An external server: its logins, its line in `make status`, and one line for every refused connection."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection

from tests.support.databases import fresh_database, rows
from tests.support.external_server import ExternalServer
from warehouse import connection
from warehouse.connection import connect, connection_parameters, cursor_of, forget
from warehouse.errors import EncodingRefused, ServerAway, ServerTooOld, ServerUnreachable
from warehouse.logins import find_logins, logins_file, read_logins
from waybill.cli import TRY_AGAIN
from waybill.settings import get_settings

pytestmark = pytest.mark.usefixtures("unset")


@pytest.fixture
def plain(external: ExternalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the server and a login that cannot create others."""
    for name, value in external.variables("plain", tmp_path).items():
        monkeypatch.setenv(name, value)


def cut(new: Connection) -> None:
    new.cursor().execute("select pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
def creator(external: ExternalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExternalServer:
    """Name the server and a login that can create others, in a clone that has created none yet."""
    forget()
    external.drop_logins()
    for name, value in external.variables("creator", tmp_path).items():
        monkeypatch.setenv(name, value)
    return external


def status() -> str:
    return subprocess.check_output([sys.executable, "-m", "warehouse", "status"], text=True)


def test_a_login_with_createrole_creates_one_login_a_role(creator: ExternalServer) -> None:
    with fresh_database():
        assert rows("select current_user") == [("waybill_reader",)]
        assert "one each for loader, transformer, trainer, keeper, api and reader" in status()
        assert logins_file(get_settings()).stat().st_mode & 0o777 == 0o600


def test_a_login_without_createrole_does_everything(plain: None) -> None:
    with fresh_database():
        assert rows("select current_user") == [("plain",)]
        assert "one login, plain, plays all roles" in status()


def test_logins_of_another_clone_are_left_alone(creator: ExternalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_database():
        theirs = logins_file(get_settings()).read_text()
        monkeypatch.setenv("WAYBILL_STATE", os.environ["WAYBILL_STATE"] + "-other")
        with fresh_database():
            assert rows("select current_user") == [("creator",)]
        monkeypatch.setenv("WAYBILL_STATE", os.environ["WAYBILL_STATE"].removesuffix("-other"))
        assert logins_file(get_settings()).read_text() == theirs
        assert rows("select current_user") == [("waybill_reader",)]


def test_a_recreated_server_gets_the_same_logins(creator: ExternalServer) -> None:
    with fresh_database():
        before = logins_file(get_settings()).read_text()
    creator.drop_logins()
    with fresh_database():
        assert rows("select current_user") == [("waybill_reader",)]
        assert logins_file(get_settings()).read_text() == before


def test_a_new_role_that_cannot_be_created_is_the_owners(creator: ExternalServer) -> None:
    """As in a migration, if the login may not create others any more."""
    with fresh_database():
        before = read_logins(get_settings())
        with cursor_of("owner") as cursor:
            cursor.execute("drop owned by waybill_keeper; drop role waybill_keeper")
        creator.execute("alter role creator nocreaterole")
        try:
            with closing(connect("owner")) as connection:
                logins = find_logins(connection, get_settings())
        finally:
            creator.execute("alter role creator createrole")
        assert logins["keeper"] == "creator" and logins["loader"] == "waybill_loader"
        assert read_logins(get_settings()) == {name: before[name] for name in before if name != "waybill_keeper"}
        assert "one each for loader, transformer, trainer, api and reader; creator plays keeper" in status()


def test_a_changed_password_names_the_file_to_remove(creator: ExternalServer) -> None:
    with fresh_database():
        creator.execute("alter role waybill_reader password 'another'")
        with pytest.raises(
            ServerUnreachable, match=r"password authentication failed .*has changed, remove the file .*logins-"
        ):
            rows("select 1")


def test_no_answer_is_away_and_a_refusal_is_unreachable(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(ServerUnreachable, match="password authentication failed") as refused:
        connect("reader")
    assert not isinstance(refused.value, ServerAway)
    for name, value in (("PGPORT", "1"), ("PGHOST", "no-such-host.invalid")):
        monkeypatch.setenv(name, value)
        with pytest.raises(ServerAway):
            connect("reader")


def up() -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "warehouse", "up"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PGPORT", "1", "Connection refused"),
        ("PGHOST", "no-such-host.invalid", "could not translate host name"),
        ("PGPASSWORD", "wrong", 'password authentication failed for user "plain"'),
        ("PGDATABASE", "no_such", 'database "no_such" does not exist'),
        ("PGUSER", "nobody", 'password authentication failed for user "nobody"'),
        ("PGSSLMODE", "require", "server does not support SSL"),
        ("PGSSLMODE", "wrong", "invalid sslmode value"),
    ],
)
def test_every_failed_connection_is_one_line(
    plain: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    result = up()
    may_pass = value in ("1", "no-such-host.invalid")
    assert (result.returncode, result.stdout) == (TRY_AGAIN if may_pass else 1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: PostgreSQL at ")
    assert words in line
    assert line.endswith("; check the PG… variables, in the environment and in .env")


def test_a_missing_right_to_create_schemas_is_one_line(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", "postgres")
    (line,) = up().stderr.splitlines()
    assert "permission denied for database postgres" in line


def test_a_connection_cut_after_it_was_accepted_is_away(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_database(), monkeypatch.context() as patched:
        connection_parameters("reader")
        patched.setattr(connection, "_lift_transaction_timeout", cut)
        with pytest.raises(ServerAway, match="closed a new connection: "):
            connect("reader")


def test_an_older_server_is_refused(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MIN_SERVER_VERSION", 170000)
    monkeypatch.setenv("PGDATABASE", "postgres")
    with pytest.raises(ServerTooOld, match="the server is PostgreSQL 16, Waybill needs 17 or newer"):
        connection_parameters("owner")


def test_a_database_of_another_encoding_is_refused(
    external: ExternalServer, plain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    external.execute("create database latin owner plain encoding 'LATIN1' locale 'C' template template0")
    monkeypatch.setenv("PGDATABASE", "latin")
    with pytest.raises(
        EncodingRefused, match=r"database latin of PostgreSQL at .* has the encoding LATIN1.*PGDATABASE"
    ):
        connection_parameters("owner")
    external.execute("drop database latin with (force)")
