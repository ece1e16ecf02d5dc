"""The commands that set-up writes start this environment's Python, whatever variables of another are set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setup.environment import COMMAND

HOSTILE = {"PYTHONHOME": "/nonexistent", "PYTHONOPTIMIZE": "2", "PYTHONPATH": "/nonexistent", "PYTHONSAFEPATH": "1"}


def test_variables_of_another_python_do_not_reach_a_command(tmp_path: Path) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name, content in (("waybill", COMMAND.format(module="waybill")), ("python", "#!/bin/sh\nenv\n")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
    output = subprocess.check_output([folder / "waybill"], env={**os.environ, **HOSTILE}, text=True)
    variables = dict(line.split("=", 1) for line in output.splitlines() if line.startswith("PYTHON"))
    assert not {"PYTHONHOME", "PYTHONOPTIMIZE"} & variables.keys()
    assert Path(variables["PYTHONPATH"]).resolve() == tmp_path


def test_python_without_docstrings_is_refused_in_one_line() -> None:
    command = [sys.executable, "-OO", "-m", "waybill", "sources"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "run it without -OO" in ran.stderr
