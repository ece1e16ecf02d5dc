"""A gate that fails leaves all that comes after it as the last good run left it, byte for byte and row for row."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import fresh_database, rows
from tests.dbt_project.dbt_command import execute
from warehouse.settings import PROJECT, get_settings

SMALL = PROJECT / "data" / "raw" / "raw.json"
MARTS = (
    "marts.dim_airlines",
    "marts.dim_airports",
    "marts.dim_aircraft",
    "marts.fct_weather_observations",
    "marts.fct_flights",
    "marts.flight_features",
)
FOLDERS = ("models", "processed", "reports")
LATE = "2014-06-01T00:00:00Z"


class Line:
    """The pipeline in folders and a database of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run all stages as a user would."""
        folders = {f"WAYBILL_{name.upper()}": str(self.folder / name) for name in ("raw", *FOLDERS)}
        own = {"WAYBILL_TASK": "flight_delays_small", "DBT_TARGET_PATH": str(self.folder / "dbt"), "COLUMNS": "200"}
        command = [sys.executable, "-m", "pipeline", "run"]
        return subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **folders, **own}, check=False
        )

    def deliver(self, source: str, name: str, documents: list[dict[str, Any]]) -> None:
        """Put documents where the source's files are looked for."""
        path = self.folder / "raw" / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, documents)))

    def files(self, *names: str) -> dict[str, str]:
        """Return path → hash of the files below these folders; what a gate itself writes is left out."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in names
            for path in sorted((self.folder / name).rglob("*"))
            if path.is_file() and not {"validation", "data_docs"} & set(path.parts)
        }


def small_sample() -> dict[str, list[dict[str, Any]]]:
    """Return source → its documents, but those that cannot be landed."""
    sample: dict[str, list[dict[str, Any]]] = json.loads(SMALL.read_bytes())
    sample["flights"] = [
        flight
        for flight in sample["flights"]
        if "\\u0000" not in json.dumps(flight) and "NaN" not in json.dumps(flight) and flight.get("airline")
    ]
    return sample


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line that has run to its end once."""
    found = Line(tmp_path_factory.mktemp("line"))
    sample = small_sample()
    for airline in sample["airlines"]:
        found.deliver("airlines", f"{airline['carrier']}.json", [airline])
    found.deliver("airports", "airports.json", [{"airports": sample["airports"]}])
    for source in ("aircraft", "flights", "weather"):
        found.deliver(source, f"{source}.ndjson", sample[source])
    with fresh_database("gates") as name:
        ran = found.run()
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        yield found
    (get_settings().state_folder / f"last_run-{name}.json").unlink()


def versions(*tables: str) -> dict[str, Any]:
    """Return table → how many rows it holds, and a hash of them with where and by whom each was written."""
    query = (
        "select count(*), sum(hashtextextended(xmin::text || ctid::text || to_jsonb(mart)::text, 0)) from {} as mart"
    )
    return {table: rows(query.format(table)) for table in tables}


def twenty_minutes_late() -> list[dict[str, Any]]:
    """Return a newer version of every flight that landed, twenty minutes late by its delay and by its clock."""
    corrections = []
    for flight in small_sample()["flights"]:
        if isinstance(flight["delays"]["arrival_minutes"], int):
            scheduled = flight["scheduled"]["arrival"]
            minutes = (scheduled // 100 * 60 + scheduled % 100 + 20) % 1440
            actual = {**flight["actual"], "arrival": minutes // 60 * 100 + minutes % 60}
            delays = {**flight["delays"], "arrival_minutes": 20}
            corrections.append({**flight, "actual": actual, "delays": delays, "updated_at": LATE})
    return corrections


def stages(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the stages that ended well; dbt says among them what failed."""
    return re.findall(r"^([a-z-]+) +[0-9.]+ s ", ran.stdout, re.M)


def test_a_broken_book_stops_the_line_before_the_marts(line: Line) -> None:
    before, files = versions(*MARTS, "predictions.flight_delays_small"), line.files(*FOLDERS)
    line.deliver("flights", "late-1.ndjson", twenty_minutes_late()[:5])
    ((batch,),) = rows("select batch_id from ledger.batches where source = 'flights'")
    execute(f"update ledger.batches set read = read + 1, landed = landed + 1 where batch_id = '{batch}'")
    ran = line.run()
    execute(f"update ledger.batches set read = read - 1, landed = landed - 1 where batch_id = '{batch}'")
    assert (ran.returncode, stages(ran)) == (1, ["load", "check-raw"])
    (said,) = ran.stderr.splitlines()
    assert said.startswith("error: dbt stopped the line: 1 failed: assert_documents_balance: ")
    assert "look at" in said
    assert versions(*before) == before
    assert line.files(*FOLDERS) == files


def test_a_failed_marts_checkpoint_stops_the_line_before_model_scores_exports_and_report(line: Line) -> None:
    marts, scores, files = versions(*MARTS), versions("predictions.flight_delays_small"), line.files(*FOLDERS)
    line.deliver("flights", "late-2.ndjson", twenty_minutes_late())
    ran = line.run()
    assert (ran.returncode, stages(ran)) == (1, ["load", "check-raw", "dbt"])
    (said,) = ran.stderr.splitlines()
    assert said.startswith("error: check-marts stopped the line: checkpoint marts: ")
    assert said.endswith("; look at reports/data_docs/index.html")
    assert versions("marts.fct_flights") != {"marts.fct_flights": marts["marts.fct_flights"]}, "dbt had work"
    assert versions(*scores) == scores
    assert {path for path in files if path.startswith("models/")}
    assert line.files(*FOLDERS) == files
