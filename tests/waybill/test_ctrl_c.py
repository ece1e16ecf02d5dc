"""The last line of an interrupted command says what is true: nothing half-done, or which command completes the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from waybill import ctrl_c
from waybill.ctrl_c import LINE, said_if_interrupted

COMMAND = """
from waybill import ctrl_c
ctrl_c.exit_on_interrupt()
import os, signal
import click
from waybill.cli import run

@click.command()
def main():
    with ctrl_c.said_if_interrupted("interrupted: the rest follows"):
        {during}
    {after}

run(main, "main")
"""
INTERRUPT = "os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    ("during", "after", "line"),
    [
        (INTERRUPT, "pass", "interrupted: the rest follows"),
        ("pass", INTERRUPT, LINE),
    ],
)
def test_the_last_line_is_that_of_the_interrupted_work(during: str, after: str, line: str) -> None:
    code = COMMAND.format(during=during, after=after)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", line)


def test_an_error_during_the_work_leaves_the_usual_line() -> None:
    with pytest.raises(FileNotFoundError), said_if_interrupted("interrupted: the rest follows"):
        raise FileNotFoundError
    assert ctrl_c._lines == [LINE]
