"""`make demo` shows what it promises, and leaves what is the user's as it was."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import drop_database, fresh_database, rows
from warehouse.connection import connection_parameters, forget
from warehouse.dbt_profile import PROFILE

FOLDERS = ("WAYBILL_PROCESSED", "WAYBILL_MODELS", "WAYBILL_REPORTS")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def said(folder: Path) -> Iterator[str]:
    """What the demo prints, run beside a database of a user's."""
    profile = digest(PROFILE)
    environment = {**os.environ, **{name: str(folder / name) for name in FOLDERS}, "COLUMNS": "80"}
    with fresh_database("demo") as name:
        command = [sys.executable, "-m", "pipeline.demo"]
        run = subprocess.run(
            command, capture_output=True, text=True, env={**environment, "PGDATABASE": name}, check=False
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert rows("select count(*) from ledger.runs") == [(0,)], "the user's database was touched"
        assert digest(PROFILE) == profile, "the user's dbt profile was touched"
        os.environ["PGDATABASE"] = f"{name}_demo"
        forget()
        yield run.stdout
        os.environ["PGDATABASE"] = name
        drop_database(f"{name}_demo")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def test_it_tells_three_rejects_a_duplicate_a_correction_and_a_why(said: str) -> None:
    for words in (
        "breaks_contract: ", "not_storable: ", "not_json: ",
        "flights 118 is flights 80 again", "flights 65 said 555 minutes late, flights 66 says 30; marts.fct_flights has 30",
        '"twelve" is no whole number', "loader why data/raw/raw.json:66", "mart row marts.fct_flights: MQ-3670-LGA-2013-07-12",
    ):  # fmt: skip
        assert words in said
    assert said.count("balanced") == 5


def test_what_it_tells_is_what_the_warehouse_holds(said: str) -> None:
    outcomes = dict(rows("select outcome::text, count(*) from intermediate.document_outcomes group by 1"))
    assert outcomes == {"current": 169, "duplicate": 1, "superseded": 1, "uncastable": 1}
    assert rows("select count(*), count(*) filter (where arrival_delay_minutes > 500) from marts.fct_flights") == [
        (112, 0)
    ]
    assert rows("select count(*) from predictions.flight_delays_small") == [(112,)]
    assert connection_parameters("reader")["dbname"].endswith("_demo")


def test_the_gates_were_the_pipelines_own_and_held(said: str, folder: Path) -> None:
    held = json.loads((folder / "WAYBILL_REPORTS" / "demo" / "validation" / "held.json").read_text())
    assert {name: gate["outcome"]["success"] for name, gate in held.items()} == {"raw": True, "marts": True}
    assert all(gate["outcome"]["expectations"] > 30 for gate in held.values())


def test_what_it_writes_stands_in_folders_of_its_own(said: str, folder: Path) -> None:
    assert {path.relative_to(folder).parts[1] for path in folder.rglob("*") if path.is_file()} == {"demo"}
    flights = json.loads((folder / "WAYBILL_PROCESSED" / "demo" / "fct_flights.json").read_text())
    assert len(flights) == 112
    assert "flight_delays_small" in {path.name for path in (folder / "WAYBILL_MODELS" / "demo").iterdir()}
    assert (folder / "WAYBILL_REPORTS" / "demo" / "index.html").exists()


def test_its_text_fits_in_80_columns(said: str) -> None:
    told = said[said.index("Where every document went") :]
    assert [line for line in told.splitlines() if len(line) > 80 and "$ " not in line] == []
