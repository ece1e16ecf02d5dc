# waybill: sample
"""Ctrl-C (once or twice, at any moment) or a full disk ends a command with one line, and a rerun completes its work."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.stage_list import read_stages
from tests.support.clones import HANDLES_CTRL_C
from tests.support.small.pipeline import small_pipeline
from waybill.ctrl_c import LINE
from waybill.settings import PROJECT

# Python runs this at its start. It sends Ctrl-C at the import of AT_MODULE, or when AT_FILE files were opened, and a
# second one AGAIN_AFTER audit events later.
CTRL_C = """
import os, signal, sys

module, files, again = os.environ["AT_MODULE"], int(os.environ["AT_FILE"]), int(os.environ["AGAIN_AFTER"])
opened = since = 0
del os.environ["PYTHONPATH"]  # processes that the command starts get Ctrl-C from the terminal only

def send_ctrl_c(event, arguments):
    global opened, since
    if event == "os.kill":
        return
    if since:
        since += 1
        if since == again:
            os.kill(os.getpid(), signal.SIGINT)
    elif event == "import":
        since = arguments[0] == module
    elif event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".so")):
        opened += not str(arguments[0]).startswith(("/proc/", "/sys/"))
        since = opened == files
    if since == 1:
        since = 2
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(send_ctrl_c)
"""
PACKAGES = ("waybill", "warehouse", "loader", "streaming", "expectations", "ml", "pipeline", "data")
COMMANDS = sorted(
    re.sub(r"\.__main__$", "", ".".join(path.relative_to(PROJECT).with_suffix("").parts))
    for package in PACKAGES
    for path in (PROJECT / package).rglob("*.py")
    if '\nif __name__ == "__main__":' in path.read_text() and path.name not in ("environment.py", "env_file.py")
)


@pytest.fixture(scope="module")
def ctrl_c_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the code that sends Ctrl-C."""
    folder = tmp_path_factory.mktemp("ctrl_c_folder")
    (folder / "sitecustomize.py").write_text(CTRL_C)
    return folder


def run_interrupted(command: list[str], ctrl_c_folder: Path, **where: str) -> subprocess.CompletedProcess[str]:
    """Run a command and interrupt it as the variables `where` say."""
    environment = {**os.environ, "AT_MODULE": "", "AT_FILE": "0", "AGAIN_AFTER": "0", **where}
    return subprocess.run(
        [*HANDLES_CTRL_C, "/usr/bin/env", f"PYTHONPATH={ctrl_c_folder}", sys.executable, "-m", *command],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_while_a_command_imports_is_one_line(ctrl_c_folder: Path, command: str) -> None:
    ran = run_interrupted([command], ctrl_c_folder, AT_MODULE="waybill.errors", WAYBILL_RAW=str(ctrl_c_folder))
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", f"{LINE}\n")


def test_ctrl_c_while_waybill_imports_is_one_line(ctrl_c_folder: Path) -> None:
    ran = run_interrupted(["waybill", "status"], ctrl_c_folder, AT_MODULE="warehouse.errors")
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", f"{LINE}\n")


def test_every_stage_completes_after_ctrl_c_and_a_full_disk(server: None, ctrl_c_folder: Path, tmp_path: Path) -> None:
    chance, cramped = random.Random(4), set[str]()
    with small_pipeline(tmp_path) as small:
        for stage in [stage.name for stage in read_stages()]:
            moments = {"AT_FILE": str(chance.randint(2, 5)), "AGAIN_AFTER": str(chance.choice([0, 3, 9, 40]))}
            ran = run_interrupted(["pipeline", stage], ctrl_c_folder, **small.variables, **moments)
            assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", LINE), (stage, moments)
            ran = subprocess.run(
                ["sh", "-c", f'ulimit -f 4 && exec "$0" -m pipeline {stage}', sys.executable],
                env=small.variables, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if ran.returncode:
                cramped.add(stage)
                assert re.fullmatch("error: .*: File too large; .* run the same command again\n", ran.stderr), ran
            assert small.run(stage).returncode == 0
        assert cramped >= {"check-raw", "dbt", "check-marts", "train", "export", "docs", "report"}
        ran = small.run()
        assert (ran.returncode, ran.stderr, ran.stdout.count("balanced")) == (0, "", 5)
