"""Rights of the logins, layout, settings and commands, on any server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from tests.warehouse.conftest import CONNECTION
from warehouse.connection import connect, connection_parameters, engine, forget, open_connection
from warehouse.dbt_login import dbt_variables
from warehouse.errors import LayoutMismatch, ServerUnreachable
from warehouse.logins import own_logins
from warehouse.schema import drop_everything, ensure_raw_tables
from waybill.errors import SettingsError
from waybill.identifiers import uuid7
from waybill.settings import Settings, get_settings

pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`

WAYBILL = Path(sys.executable).with_name("waybill")


@pytest.fixture(scope="module")
def furnished(module_database: str) -> str:
    """Create a raw table, a mart and predictions, each with the login of its role; return the database."""
    owner = connect("owner")
    ensure_raw_tables(owner, ["orders"])
    owner.close()
    for role, table in (("transformer", "marts.fct_orders"), ("trainer", "predictions.late_orders")):
        connection = connect(role)  # type: ignore[arg-type]
        with connection, connection.cursor() as cursor:
            cursor.execute(f"create table {table} (order_id text)")
        connection.close()
    return module_database


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("loader", "create table raw.mine ()"),
        ("loader", "update raw.orders set document = '{}'"),
        ("loader", "delete from raw.orders"),
        ("loader", "truncate raw.orders"),
        ("loader", "insert into marts.fct_orders values ('mine')"),
        ("loader", "delete from marts.fct_orders"),
        ("loader", "delete from predictions.late_orders"),
        ("loader", "update predictions.model_checks set is_outdated = true"),
        ("loader", "delete from predictions.model_drift"),
        ("loader", "delete from ledger.batches"),
        ("loader", "update ledger.batches set landed = 0"),
        ("loader", "update ledger.rejects set reason = ''"),
        ("loader", "create table marts.mine ()"),
        ("loader", "create table predictions.mine ()"),
        ("loader", "drop table ledger.batches"),
        ("transformer", "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), '', '{}')"),
        ("transformer", "create table raw.mine ()"),
        ("transformer", "insert into raw.orders select * from raw.orders"),
        ("transformer", "update raw.orders set document = '{}'"),
        ("transformer", "delete from raw.orders"),
        ("transformer", "select from predictions.late_orders"),
        ("transformer", "delete from predictions.late_orders"),
        ("transformer", "create table predictions.mine ()"),
        ("transformer", "delete from ledger.rejects"),
        ("transformer", "delete from predictions.model_checks"),
        ("transformer", "delete from predictions.realised_predictions"),
        ("transformer", "update predictions.model_checks set is_stale = false"),
        ("trainer", "create table marts.mine ()"),
        ("trainer", "insert into marts.fct_orders values ('mine')"),
        ("trainer", "update marts.fct_orders set order_id = ''"),
        ("trainer", "delete from marts.fct_orders"),
        ("trainer", "select from raw.orders"),
        ("trainer", "create table raw.mine ()"),
        ("trainer", "create table staging.mine ()"),
        ("trainer", "delete from ledger.runs"),
        ("loader", "insert into ledger.undone_batches select * from ledger.undone_batches"),
        ("loader", "update ledger.undone_batches set documents = 0"),
        ("loader", "update ledger.rejects set is_undone = true"),
        ("transformer", "insert into ledger.undone_batches select * from ledger.undone_batches"),
        ("keeper", "insert into raw.orders select * from raw.orders"),
        ("keeper", "update raw.orders set document = '{}'"),
        ("keeper", "truncate raw.orders"),
        ("keeper", "delete from ledger.batches"),
        ("keeper", "update ledger.batches set landed = 0"),
        ("keeper", "update ledger.inputs set next_position = 1"),
        ("keeper", "update ledger.rejects set reason = ''"),
        ("keeper", "delete from ledger.rejects"),
        ("keeper", "delete from ledger.undone_batches"),
        ("keeper", "update ledger.undone_batches set undone_by = ''"),
        ("keeper", "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), '', '{}')"),
        ("keeper", "select from marts.fct_orders"),
        ("keeper", "delete from marts.fct_orders"),
        ("keeper", "delete from predictions.late_orders"),
        ("keeper", "delete from predictions.model_checks"),
        ("keeper", "update predictions.model_checks set is_stale = false"),
        ("keeper", "create table raw.mine ()"),
        ("keeper", "create table intermediate.mine ()"),
        ("keeper", "set role waybill_loader"),
        ("api", "select from raw.orders"),
        ("api", "select from ledger.runs"),
        ("api", "insert into marts.fct_orders values ('mine')"),
        ("api", "delete from marts.fct_orders"),
        ("api", "create table marts.mine ()"),
        ("api", "select from predictions.late_orders"),
        ("api", "insert into predictions.late_orders values ('mine')"),
        ("api", "delete from predictions.late_orders"),
        ("api", "update predictions.model_checks set is_stale = false"),
        ("api", "create table predictions.mine ()"),
        ("api", "set role waybill_trainer"),
        ("reader", "delete from raw.orders"),
        ("reader", "insert into raw.orders select * from raw.orders"),
        ("reader", "delete from marts.fct_orders"),
        ("reader", "delete from predictions.late_orders"),
        ("reader", "update predictions.model_checks set is_outdated = true"),
        ("reader", "update predictions.realised_figures set metrics = '{}'"),
        ("reader", "create table marts.mine ()"),
        ("reader", "create table public.mine ()"),
        ("reader", "create table predictions.mine ()"),
        ("reader", "create schema mine"),
        ("reader", "insert into ledger.runs (run_id, command, versions) values (gen_random_uuid(), '', '{}')"),
        ("reader", "set role waybill_loader"),
        ("reader", "create role mine login"),
    ],
)
def test_each_login_has_only_the_rights_of_its_role(furnished: str, role: str, statement: str) -> None:
    if not own_logins(get_settings()):
        pytest.skip("one login does it all here")
    connection = connect(role)  # type: ignore[arg-type]
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)
    connection.close()


def test_every_connection_uses_utf8_in_any_environment(module_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    plain = connect("reader")
    assert plain.info.parameter_status("client_encoding") == "UTF8"
    plain.close()
    pool = engine("reader")
    with pool.connect() as connection:
        assert connection.exec_driver_sql("show client_encoding").scalar() == "UTF8"
    pool.dispose()
    assert dbt_variables()["PGCLIENTENCODING"] == "UTF8"


def test_a_server_that_gives_no_reason_is_still_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise psycopg2.OperationalError("")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    with pytest.raises(
        ServerUnreachable, match=r"^PostgreSQL at h:1 as me refused the connection: it gave no reason; check"
    ):
        open_connection({"host": "h", "port": "1", "user": "me"})


def test_the_balance_of_a_batch_is_a_constraint(database: str) -> None:
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


def test_the_layout_of_a_newer_waybill_is_refused(database: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ledger.layout (version) values (99)")
    connection.close()
    forget()
    with pytest.raises(LayoutMismatch, match=r"made by a newer Waybill \(its layout is 99.*: update this clone"):
        connection_parameters("reader")


def test_another_applications_database_is_left_alone(database: str) -> None:
    connection = connect("owner")
    drop_everything(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema marts")
        cursor.execute("create table marts.theirs ()")
    forget()
    with pytest.raises(
        LayoutMismatch,
        match="has a schema marts that Waybill did not create; nothing was changed: name another database",
    ):
        connection_parameters("reader")
    drop_everything(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select from marts.theirs")
    connection.close()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PGUSER", "me", "PGHOST is not"),
        ("PGPORT", "many", "PGPORT must be a whole number; fix it"),
    ],
)
@pytest.mark.usefixtures("unset")
def test_unusable_settings_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        get_settings()


@pytest.mark.usefixtures("unset")
def test_a_password_alone_does_not_name_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "made by make env")
    assert get_settings().is_embedded


@pytest.mark.usefixtures("unset")
def test_a_secret_can_be_a_file_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pgpassword").write_text("of the file\n")
    monkeypatch.setenv("WAYBILL_SECRETS", str(tmp_path))
    assert get_settings().pgpassword.get_secret_value() == "of the file"  # type: ignore[union-attr]
    monkeypatch.setenv("PGPASSWORD", "of the environment")
    assert get_settings().pgpassword.get_secret_value() == "of the environment"  # type: ignore[union-attr]


def test_the_example_env_file_lists_every_setting() -> None:
    example = Path(".env.example").read_text()
    containers = {f"WAYBILL_{name}" for name in ("KAFKA_PORT", "DOCS_PORT", "JUPYTER_PORT")}
    containers |= {"WAYBILL_PRODUCED_SOURCE", "WAYBILL_PRODUCED_FILE"}
    settings = {name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"^([A-Z_]+)=", example, re.M)) == settings | containers
    assert set(CONNECTION) == {name.upper() for name in Settings.model_fields if name.startswith("pg")}


def test_status_shows_the_address_and_how_to_connect(module_database: str) -> None:
    result = subprocess.run([sys.executable, "-m", "warehouse", "status"], capture_output=True, text=True, check=True)
    assert "ledger.batches" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("psql:     ")


def test_the_psql_line_of_status_works_in_any_folder(module_database: str, tmp_path: Path) -> None:
    result = subprocess.run([WAYBILL, "status"], capture_output=True, text=True, check=True, cwd=tmp_path)
    command = result.stdout.splitlines()[-1].removeprefix("psql:     ")
    found = subprocess.run(
        [*shlex.split(command), "-Atc", "select current_user, current_database()"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert found.stdout.strip().endswith(f"|{module_database}")


def test_psql_takes_its_own_arguments(module_database: str) -> None:
    command = [sys.executable, "-m", "warehouse", "psql", "-Atc", "select current_user"]
    if get_settings().is_embedded:  # an external server reports this itself
        environment = {**os.environ, "PGDATABASE": "mistyped"}
        refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("error: no database mistyped: the server has ")
    who = subprocess.check_output(command, text=True).strip()
    assert who == ("waybill_reader" if own_logins(get_settings()) else get_settings().pguser)
