"""The server, its logins and its refusals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.databases import own_server
from warehouse import embedded
from warehouse.connection import check_version, connect, connection_parameters, current_warehouse, forget
from warehouse.errors import DataFolderRefused, LayoutMismatch, ServerTooOld, ServerUnreachable, SettingsError
from warehouse.identifiers import uuid7
from warehouse.server_place import ServerPlace
from warehouse.settings import Settings, get_settings


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("loader", "create table raw.mine ()"),
        ("loader", "delete from ledger.batches"),
        ("loader", "update ledger.batches set landed = 0"),
        ("transformer", "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), '', '{}')"),
        ("transformer", "create table raw.mine ()"),
        ("trainer", "create table marts.mine ()"),
        ("trainer", "delete from ledger.runs"),
        ("reader", "create table marts.mine ()"),
        ("reader", "create table public.mine ()"),
    ],
)
def test_a_login_cannot_do_another_ones_work(module_database: str, role: str, statement: str) -> None:
    connection = connect(role)  # type: ignore[arg-type]
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)
    connection.close()


def test_the_law_of_a_batch_is_a_constraint(database: str) -> None:
    connection = connect("owner")
    with connection.cursor() as cursor:
        cursor.execute("insert into ledger.runs (run_id, command, versions) values (%s, '', '{}')", [str(uuid7())])
        cursor.execute(
            "insert into ledger.inputs (input_id, source, feed, digest, name) values (%s, 's', 'file', 'd', 'n')",
            [str(uuid7())],
        )
        with pytest.raises(psycopg2.errors.CheckViolation, match="batches_balance"):
            cursor.execute(
                "insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position,"
                " contract_digest, read, landed, rejected, skipped)"
                " select gen_random_uuid(), input_id, run_id, 's', 'file', 1, 2, '', 2, 1, 0, 0"
                " from ledger.inputs cross join ledger.runs"
            )
    connection.close()


def test_the_server_listens_on_no_network(module_database: str) -> None:
    connection = connect("reader")
    with connection.cursor() as cursor:
        cursor.execute("show listen_addresses")
        assert cursor.fetchone() == ("",)
    connection.close()
    place = current_warehouse().place
    assert place is not None
    assert (place.socket.stat().st_mode & 0o777, place.data.stat().st_mode & 0o777) == (0o700, 0o700)


def test_another_layout_is_refused_with_the_command_that_rebuilds_it(database: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("update ledger.layout set version = 99")
    connection.close()
    forget()
    with pytest.raises(LayoutMismatch, match=r"is of layout 99.*warehouse reset --yes"):
        connection_parameters("reader")


def test_an_older_server_is_refused_by_name() -> None:
    check_version(160004)
    with pytest.raises(ServerTooOld, match="PostgreSQL 15, Waybill needs 16"):
        check_version(150018)


def test_a_server_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:1 .* did not let us in"):
        connection_parameters("reader")


@pytest.mark.parametrize(
    ("name", "value", "words"), [("PGUSER", "me", "PGHOST is not"), ("PGPORT", "many", "PGPORT: .* mend it")]
)
def test_settings_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        get_settings()


def test_a_password_alone_names_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "made by make env")
    assert get_settings().is_embedded


def test_the_example_of_env_lists_every_setting() -> None:
    example = Path(".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.M)) == {name.upper() for name in Settings.model_fields}


@pytest.fixture
def place() -> Iterator[ServerPlace]:
    with own_server() as place:
        yield place


def test_a_server_comes_back_after_kill_9_and_two_stand_side_by_side(place: ServerPlace) -> None:
    assert embedded.start(place)
    assert not embedded.start(place)
    process = int((place.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGKILL)
    time.sleep(0.2)
    embedded.start(place)
    assert embedded.answers(place)


def test_a_data_folder_of_another_version_is_refused(place: ServerPlace) -> None:
    embedded.start(place)
    embedded.stop(place)
    (place.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataFolderRefused, match="belongs to PostgreSQL 17, this is 18"):
        embedded.start(place)


def test_status_says_where_it_is_and_how_to_open_it(module_database: str) -> None:
    said = subprocess.run([sys.executable, "-m", "warehouse", "status"], capture_output=True, text=True, check=True)
    assert "ledger.batches" in said.stdout
    assert said.stdout.strip().endswith("-m warehouse psql")


def test_psql_takes_its_own_arguments(module_database: str) -> None:
    command = [sys.executable, "-m", "warehouse", "psql", "-Atc", "select current_user"]
    assert subprocess.check_output(command, text=True).strip() == "waybill_reader"
