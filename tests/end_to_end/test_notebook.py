# waybill: sample
"""The notebooks are committed without outputs, and run from top to bottom on the results of `make demo`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import DemoRun
from waybill.settings import PROJECT

NOTEBOOK = PROJECT / "notebooks" / "01-explore-raw.ipynb"
NO_MESSAGES_OF_JUPYTERS = {"JUPYTER_PLATFORM_DIRS": "1", "PYTHONWARNINGS": "default"}


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def run_notebook(name: str, demo: DemoRun, folder: Path) -> list[dict[str, Any]]:
    """Run a notebook in Jupyter's kernel, and return its outputs, none of which is an error or a warning."""
    models = str(demo.folder / "WAYBILL_MODELS" / "demo")
    own = {"PGDATABASE": demo.beside, "WAYBILL_TASK": "flight_delays_small", "WAYBILL_MODELS": models}
    environment = {**os.environ, **NO_MESSAGES_OF_JUPYTERS, **own}
    fonts = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(fonts, capture_output=True, env=environment, check=True)  # builds a cache once, and warns of it
    program = [sys.executable, "-c", "from nbclient.cli import main; main()"]
    command = [*program, str(PROJECT / "notebooks" / name), f"--output={folder / 'run.ipynb'}"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    outputs = [output for cell in code_cells(folder / "run.ipynb") for output in cell["outputs"]]
    assert [output for output in outputs if output.get("name") == "stderr" or output["output_type"] == "error"] == []
    return outputs


def text_of(outputs: list[dict[str, Any]], kind: str = "text/plain") -> str:
    return "".join("".join(output.get("data", {}).get(kind, output.get("text", []))) for output in outputs)


@pytest.mark.parametrize("path", sorted(NOTEBOOK.parent.glob("*.ipynb")), ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    assert [cell for cell in code_cells(path) if cell["outputs"] or cell["execution_count"]] == []


def test_the_raw_documents_are_explored(demo: DemoRun, tmp_path: Path) -> None:
    outputs = run_notebook(NOTEBOOK.name, demo, tmp_path)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
    assert "accounted for" in text_of(outputs)
    assert "MQ-3670-LGA-2013-07-12" in text_of(outputs)


def test_the_demos_model_is_explained(demo: DemoRun, tmp_path: Path) -> None:
    outputs = run_notebook("02-model-report.ipynb", replace(demo, beside=f"{demo.beside}_demo"), tmp_path)
    assert "Candidates on test" in text_of(outputs, "text/html")
    assert "rows have no label (cancelled or diverted)" in text_of(outputs)


def test_two_splits_of_the_same_rows_are_compared(demo: DemoRun, tmp_path: Path) -> None:
    outputs = run_notebook("03-why-random-splits-lie.ipynb", replace(demo, beside=f"{demo.beside}_demo"), tmp_path)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert "and the same days of October" in text_of(outputs)
