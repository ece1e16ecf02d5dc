"""The stages that run dbt obey the folders that dbt's variables name, and none of its other switches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.dbt import build
from pipeline.stage_list import read_stages
from pipeline.stages import gate_path
from warehouse.dbt_login import DBT_PROJECT

HOSTILE = {
    "DBT_PROJECT_DIR": "/nonexistent",
    "DBT_PROFILES_DIR": "/nonexistent",
    "DBT_PROFILE": "other",
    "DBT_TARGET": "production",
    "DBT_WRITE_JSON": "false",
    "DBT_EMPTY": "true",
    "DBT_RESOURCE_TYPES": "model",
    "DBT_WARN_ERROR": "true",
    "DBT_STATE": "nowhere",
    "DBT_DEFER": "true",
}


def test_docs_are_found_below_a_relative_target(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", os.path.relpath(tmp_path / "target", DBT_PROJECT))
    make_raw_tables()
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    assert build.write_docs(tmp_path / "docs.html")[0] == 1
    assert b"document_outcomes" in (tmp_path / "docs.html").read_bytes()
    assert (tmp_path / "target" / "static_index.html").exists()
    assert HOSTILE.keys() & os.environ.keys() == {"DBT_PROFILES_DIR"}
    assert os.environ["DBT_PROFILES_DIR"] == str(DBT_PROJECT)


@pytest.mark.parametrize(
    ("target", "shown"),
    [("", "dbt_project/target"), ("mine", "dbt_project/mine"), ("../mine", "mine"), ("/tmp/mine", "/tmp/mine")],  # noqa: S108
)
def test_the_gate_names_the_file_that_dbt_writes(monkeypatch: pytest.MonkeyPatch, target: str, shown: str) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", target)
    (stage,) = [stage for stage in read_stages() if stage.name == "dbt"]
    assert gate_path(stage) == f"{shown}/run_results.json"
