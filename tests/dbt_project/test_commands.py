"""What dbt says when it is typed in a shell: the warehouse of the settings, and one-line errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dbt_command import Dbt
from warehouse.dbt_login import DBT_PROJECT

pytestmark = [pytest.mark.plain]  # also on an external server: see `make test-server`


def test_dbt_in_a_shell_uses_the_warehouse_of_the_settings(dbt: Dbt) -> None:
    result = bare_dbt("show", "--quiet", "--inline", "select current_database() as here")
    assert os.environ["PGDATABASE"] in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("PGHOST", "no-such-host.invalid", 75, "could not translate"),
        ("PGPORT", "many", 1, "PGPORT must be a whole number"),
    ],
)
def test_dbt_in_a_shell_rejects_bad_settings_in_one_line(name: str, value: str, code: int, words: str) -> None:
    result = bare_dbt("run", **{name: value})
    assert result.returncode == code
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
