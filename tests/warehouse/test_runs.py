"""A run never stays `running` after its process has ended, however that ended, and never is closed while it works."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.clones import HANDLES_CTRL_C
from tests.support.databases import execute_on_server, rows
from warehouse.connection import connect
from warehouse.migrations.workers import renew_held
from warehouse.runs import recorded_run
from warehouse.work_lock import ENDED, close_ended_runs
from waybill.ctrl_c import LINE

RUN = """
import time
import click
from warehouse.runs import recorded_run
from waybill import ctrl_c
from waybill.cli import run

ctrl_c.exit_on_interrupt()

@click.command()
def main():
    with recorded_run("load theirs"):
        print("working", flush=True)
        time.sleep(600)

run(main, "load")
"""
OUTCOMES = "select command, outcome, detail, ended_at is null from ledger.runs order by command"


@contextmanager
def their_run() -> Iterator[subprocess.Popen[str]]:
    """Start a process that works; end it afterwards if it still does."""
    with subprocess.Popen(
        [*HANDLES_CTRL_C, sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "working\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_is_one_line_and_closes_the_run(database: str, number: signal.Signals) -> None:
    with their_run() as process:
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        assert (stdout, stderr.strip()) == ("", LINE)
        assert process.returncode == 128 + number
    assert rows(OUTCOMES) == [("load theirs", "failed", f"interrupted by {number.name}", False)]


def test_a_killed_run_is_closed_by_the_next_command(database: str) -> None:
    with their_run() as process:
        process.kill()
        process.wait()
        with recorded_run("load mine"):
            expected = [("load mine", "running", None, True), ("load theirs", "failed", ENDED, False)]
            assert rows(OUTCOMES) == expected


def test_status_closes_a_killed_run(database: str) -> None:
    with their_run() as process:
        process.kill()
        process.wait()
    subprocess.check_output([sys.executable, "-m", "warehouse", "status"])
    assert rows(OUTCOMES) == [("load theirs", "failed", ENDED, False)]


def test_a_run_that_works_is_not_closed(database: str) -> None:
    with their_run(), recorded_run("load mine"):
        assert [outcome for _, outcome, _, _ in rows(OUTCOMES)] == ["running", "running"]


def test_a_run_that_lost_its_connection_is_open_again(database: str) -> None:
    lost = f"""
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = '{database}' and application_name = 'waybill load mine'
    """
    with recorded_run("load mine"):
        execute_on_server(lost)
        loader = connect("loader")
        with loader, loader.cursor() as cursor:
            close_ended_runs(cursor)
        loader.close()
        assert rows(OUTCOMES) == [("load mine", "failed", ENDED, False)]
        renew_held()
        assert rows(OUTCOMES) == [("load mine", "running", None, True)]
    assert rows(OUTCOMES) == [("load mine", "succeeded", None, False)]
