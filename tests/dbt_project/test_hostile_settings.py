# waybill: sample
"""Settings of the server, a database, a login or the environment change no value: not from load to export."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from loader.load import load
from loader.plan import Request
from pipeline.export.export import export
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import HOSTILE_SETTINGS, execute_on_server, fresh_database
from tests.support.dbt_command import Dbt, execute
from tests.support.small.documents import SOURCES
from warehouse.connection import engine, forget
from warehouse.logins import ROLES, role_name
from waybill.settings import PROJECT, get_settings

HOSTILE = {**HOSTILE_SETTINGS, "client_encoding": "latin1"}
# Other plans read and add up rows in another order.
OTHER_PLANS = {
    "enable_hashagg": "off",
    "enable_hashjoin": "off",
    "enable_nestloop": "off",
    "enable_indexscan": "off",
    "geqo_threshold": "2",
    "work_mem": "'64kB'",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "min_parallel_table_scan_size": "0",
    "max_parallel_workers_per_gather": "4",
}
IN_THE_ENVIRONMENT = {
    "PGTZ": "Asia/Kolkata",
    "PGDATESTYLE": "German",
    "PGOPTIONS": "-c TimeZone=Asia/Kolkata -c transform_null_equals=on",
    "TZ": "Asia/Kolkata",
}
SHADOW = """
create schema hostile;
create function hostile.lower(text) returns text language sql immutable return 'hostile';
create function hostile.md5(text) returns text language sql immutable return 'hostile';
grant usage on schema hostile to public;
"""


def values(dbt: Dbt) -> tuple[dict[str, MartHash], dict[str, bytes]]:
    """Load the small sample, build the marts, export them; return the hashes and the files."""
    load(Request(SOURCES, (str(PROJECT / "data/raw/raw.json"),), "records"))
    dbt.succeed("run")
    export()
    with engine("reader").connect() as connection:
        hashes = mart_hashes(connection)
    files = {path.name: path.read_bytes() for path in get_settings().processed_folder.glob("*.json")}
    shutil.rmtree(get_settings().processed_folder)
    return hashes, files


def set_for(target: str, settings: Mapping[str, str]) -> None:
    execute_on_server(*(f"alter {target} set {name} = {value}" for name, value in settings.items()))
    forget()


def test_no_setting_changes_a_mart_or_an_export(
    server: None, dbt_folder: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_PROCESSED", str(tmp_path / "processed"))
    with fresh_database():
        expected = values(dbt_folder)
    assert expected[0]["fct_flights"].rows > 0 and expected[0]["flight_features"].rows > 0 and expected[1]
    with fresh_database() as name:
        execute(SHADOW)
        set_for(f"database {name}", HOSTILE)
        assert values(dbt_folder) == expected
    with fresh_database() as name:
        execute(SHADOW)
        for role in ROLES:
            set_for(f"role {role_name(role)} in database {name}", HOSTILE | OTHER_PLANS)
        for variable, value in IN_THE_ENVIRONMENT.items():
            monkeypatch.setenv(variable, value)
        assert values(dbt_folder) == expected
