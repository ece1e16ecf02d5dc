# waybill: sample
"""Runs the pipeline on the small sample, with one file a source, in its own database and folders."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.databases import fresh_database
from waybill.settings import PROJECT, get_settings

SMALL = PROJECT / "data" / "raw" / "raw.json"
FOLDERS = ("models", "processed", "reports")


class SmallPipeline:
    """The pipeline in temporary folders and a test database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def variables(self) -> dict[str, str]:
        """The variables that name these folders to every command."""
        folders = {f"WAYBILL_{name.upper()}": str(self.folder / name) for name in ("raw", *FOLDERS)}
        own = {"WAYBILL_TASK": "flight_delays_small", "DBT_TARGET_PATH": str(self.folder / "dbt"), "COLUMNS": "200"}
        return {**os.environ, **folders, **own}

    def run(self, *stages: str) -> subprocess.CompletedProcess[str]:
        """Run some stages, or all, as a user would."""
        return subprocess.run(self.command(*stages), capture_output=True, text=True, env=self.variables, check=False)

    def command(self, *stages: str) -> list[str]:
        """Return the command that runs some stages, or all."""
        return [sys.executable, "-m", "pipeline", *(stages or ["run"])]

    def deliver(self, source: str, name: str, documents: list[dict[str, Any]]) -> None:
        """Write documents to a file where the loader looks for this source."""
        path = self.folder / "raw" / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, documents)))

    def files(self, *names: str) -> dict[str, str]:
        """Return path → hash of the files below these folders, without those that a gate itself writes."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in names
            for path in sorted((self.folder / name).rglob("*"))
            if path.is_file() and not {"validation", "data_docs"} & set(path.parts)
        }


def small_sample() -> dict[str, list[dict[str, Any]]]:
    """Return source → its documents, without those that cannot land."""
    sample: dict[str, list[dict[str, Any]]] = json.loads(SMALL.read_bytes())
    sample["flights"] = [
        flight
        for flight in sample["flights"]
        if "\\u0000" not in json.dumps(flight) and "NaN" not in json.dumps(flight) and flight.get("airline")
    ]
    return sample


@contextmanager
def small_pipeline(folder: Path) -> Iterator[SmallPipeline]:
    """Write the files of the small sample for a pipeline that has not run yet."""
    small, sample = SmallPipeline(folder), small_sample()
    for airline in sample["airlines"]:
        small.deliver("airlines", f"{airline['carrier']}.json", [airline])
    small.deliver("airports", "airports.json", [{"airports": sample["airports"]}])
    for source in ("aircraft", "flights", "weather"):
        small.deliver(source, f"{source}.ndjson", sample[source])
    with fresh_database("pipeline") as name:
        yield small
    for kind in ("last_run", "dbt_results", "dbt_build"):
        (get_settings().state_folder / f"{kind}-{name}.json").unlink(missing_ok=True)
