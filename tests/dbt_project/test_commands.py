"""What dbt reports and writes besides the marts: one-line errors, unit tests, descriptions, documentation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dbt_command import Dbt, execute, message
from tests.support.landing import flight, land, land_reference_data
from warehouse.dbt_login import DBT_PROJECT


def test_dbt_refuses_a_warehouse_in_which_nothing_has_landed(dbt: Dbt) -> None:
    execute("drop table raw.flights cascade")
    output = message(dbt.run("run"))
    assert "has no table raw.flights" in output
    assert "run `make load` first" in output


def test_dbt_in_a_shell_uses_the_warehouse_of_the_settings(dbt: Dbt) -> None:
    result = bare_dbt("show", "--quiet", "--inline", "select current_database() as here")
    assert os.environ["PGDATABASE"] in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("PGHOST", "no-such-host.invalid", "could not translate"), ("PGPORT", "many", "PGPORT must be a whole number")],
)
def test_dbt_in_a_shell_rejects_bad_settings_in_one_line(name: str, value: str, words: str) -> None:
    result = bare_dbt("run", **{name: value})
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line


def test_a_dbt_from_another_environment_refuses_to_run(dbt: Dbt) -> None:
    environment = {name: value for name, value in os.environ.items() if "DBT_" not in name}
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run", "--log-level-file", "none"]
    result = subprocess.run(command, cwd=DBT_PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Env var required but not provided: 'WAYBILL_DBT_HOST (start dbt with `waybill dbt`)'" in result.stdout


def bare_dbt(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run dbt as a user types it in the activated environment."""
    environment = {name: value for name, value in os.environ.items() if "DBT_" not in name} | variables
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", "-c", 'dbt "$@"', "sh", *arguments, "--log-level-file", "none"]
    return subprocess.run(
        command, cwd=DBT_PROJECT, env={**environment, "PATH": path}, capture_output=True, text=True, check=False
    )


def test_a_first_build_passes_tests_and_documents_all_columns(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("build")
    assert dbt.run("docs", "generate", "--static").success
    assert (dbt.folder / "target" / "static_index.html").stat().st_size > 1_000_000
    manifest = json.loads((dbt.folder / "target" / "manifest.json").read_text())
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())
    for name, node in manifest["nodes"].items():
        if node["resource_type"] != "model":
            continue
        assert node["description"], name
        there = catalog["nodes"].get(name, node)["columns"]
        assert set(there) <= set(node["columns"]), name
        assert all(column["description"] for column in node["columns"].values()), name
