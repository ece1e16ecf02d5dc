"""Every way of connecting sets what results depend on, whatever the server, the login or the environment says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import psycopg2
import pytest
from sqlalchemy import NullPool, create_engine

from tests.support.databases import HOSTILE_SETTINGS, execute_on_server, fresh_database
from tests.support.external_server import ExternalServer
from warehouse.connecting.session import SETTINGS
from warehouse.connection import connect, connection_parameters, current_warehouse, engine, forget
from warehouse.dbt_login import dbt_variables
from warehouse.errors import SettingRefused
from warehouse.logins import ROLES, role_name
from warehouse.work_lock import WorkLock

WANTED = {name: value.replace("ISO,MDY", "ISO, MDY") for name, value in SETTINGS.items()}
HOSTILE = {
    **HOSTILE_SETTINGS,
    "lc_numeric": "'POSIX'",
    "lc_monetary": "'POSIX'",
    "lc_time": "'POSIX'",
    "default_transaction_deferrable": "on",
}


def settings_of(connection: psycopg2.extensions.connection) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("select name, setting from pg_settings where name = any(%s)", [list(SETTINGS)])
        found = {name: value.strip('"') for name, value in cursor.fetchall()}
    connection.close()
    return found


def every_connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the settings of a connection of each kind: each role's, a pool's, the work lock's, dbt's."""
    for role in ("owner", *ROLES):
        yield role, settings_of(connect(role))  # type: ignore[arg-type]
    yield "pool", settings_of(engine("reader").raw_connection().driver_connection)  # type: ignore[arg-type]
    url = engine("reader").url.render_as_string(hide_password=False)  # Great Expectations connects by it
    by_url = create_engine(url, poolclass=NullPool).raw_connection()
    yield "url", settings_of(by_url.driver_connection)  # type: ignore[arg-type]
    lock = WorkLock("test")
    yield "lock", settings_of(lock._connection)
    login = connection_parameters("transformer")
    with monkeypatch.context() as patch:
        for name, value in dbt_variables().items():
            patch.setenv(name, value)
        current_warehouse()  # as locks, events and alerts do before dbt opens its sessions
        known = {name: login[name] for name in ("host", "port", "user", "password", "dbname") if name in login}
        yield "dbt", settings_of(psycopg2.connect(**known))  # type: ignore[call-overload]


def test_settings_of_a_database_and_its_logins_lose(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert HOSTILE.keys() == SETTINGS.keys()
    with fresh_database() as name:
        targets = [f"database {name}", *(f"role {role_name(role)} in database {name}" for role in ROLES)]
        execute_on_server(*(f"alter {to} set {key} = {value}" for to in targets for key, value in HOSTILE.items()))
        forget()
        assert [kind for kind, found in every_connection(monkeypatch) if found != WANTED] == []


@pytest.mark.usefixtures("unset")
def test_variables_of_libpq_lose_on_an_external_server(
    external: ExternalServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in external.variables("plain", tmp_path).items():  # type: ignore[arg-type]
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGTZ", "Asia/Kolkata")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGOPTIONS", "-c TimeZone=Asia/Kolkata -c work_mem=77MB")
    with fresh_database():
        assert [kind for kind, found in every_connection(monkeypatch) if found != WANTED] == []
        assert dbt_variables()["PGOPTIONS"].startswith("-c TimeZone=Asia/Kolkata -c work_mem=77MB -c TimeZone=UTC ")
        monkeypatch.setenv("PGOPTIONS", dbt_variables()["PGOPTIONS"])
        again = dbt_variables()["PGOPTIONS"]
        assert again == os.environ["PGOPTIONS"], "nothing is added twice"


@pytest.mark.parametrize("target", ["database {}", "role waybill_loader in database {}"])
def test_a_server_that_switches_foreign_keys_off_is_refused(server: None, target: str) -> None:
    with fresh_database() as name:
        execute_on_server(f"alter {target.format(name)} set session_replication_role = replica")
        forget()
        with pytest.raises(SettingRefused, match=f"not origin in the database {name}.* foreign key: reset it"):
            connection_parameters("reader")
        execute_on_server(f"alter {target.format(name)} reset session_replication_role")
        connection_parameters("reader")
