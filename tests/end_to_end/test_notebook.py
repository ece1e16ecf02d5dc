"""The notebook is committed without outputs, and runs from top to bottom on the results of `make demo`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import DemoRun
from waybill.settings import PROJECT

NOTEBOOK = PROJECT / "notebooks" / "01-explore-raw.ipynb"
NO_MESSAGES_OF_JUPYTERS = {"JUPYTER_PLATFORM_DIRS": "1", "PYTHONWARNINGS": "default"}


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_it_is_committed_without_outputs() -> None:
    assert [cell for cell in code_cells(NOTEBOOK) if cell["outputs"] or cell["execution_count"]] == []


def test_it_runs_from_top_to_bottom_without_a_warning(demo: DemoRun, tmp_path: Path) -> None:
    environment = {**os.environ, **NO_MESSAGES_OF_JUPYTERS, "PGDATABASE": demo.beside}
    fonts = [
        sys.executable,
        "-c",
        "import matplotlib.font_manager",
    ]  # matplotlib builds its font cache the first time, and warns that this is slow
    subprocess.run(fonts, capture_output=True, env=environment, check=True)
    program = [sys.executable, "-c", "from nbclient.cli import main; main()"]
    command = [*program, str(NOTEBOOK), f"--output={tmp_path / 'run.ipynb'}"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    outputs = [output for cell in code_cells(tmp_path / "run.ipynb") for output in cell["outputs"]]
    assert [output for output in outputs if output.get("name") == "stderr" or output["output_type"] == "error"] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
    shown = "".join("".join(output.get("data", {}).get("text/plain", [])) for output in outputs)
    assert "accounted for" in shown
    assert "MQ-3670-LGA-2013-07-12" in shown
