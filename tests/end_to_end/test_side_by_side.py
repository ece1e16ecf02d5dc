# waybill: sample
"""Stages in separate processes, killed and run again, or at the same time, leave what one run leaves."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest

from pipeline.run_record import read_record
from pipeline.stage_list import read_stages
from tests.support.databases import rows
from tests.support.small.pipeline import SmallPipeline, small_pipeline
from tests.support.small.results import left_by
from waybill.settings import get_settings

TIMES = int(os.environ.get("TIMES", "1"))  # that a stage is killed, and that stages run together
SEED = int(os.environ.get("SEED", "1"))
RUNNING = "select count(*) from ledger.runs where outcome = 'running'"


@pytest.fixture(scope="module")
def small(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    with small_pipeline(tmp_path_factory.mktemp("pipeline")) as found:
        yield found


def start(small: SmallPipeline, stage: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        small.command(stage, "--wait"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=small.variables,
    )


def kill(small: SmallPipeline, stage: str, seconds: float) -> bool:
    """Kill a stage after these seconds; return whether it was still running."""
    process = start(small, stage)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def run_together(small: SmallPipeline, *stages: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run stages at the same time, each in its own process."""
    running = {stage: start(small, stage) for stage in stages}
    done = {stage: (process.communicate(), process.returncode) for stage, process in running.items()}
    return {stage: subprocess.CompletedProcess([stage], code, *output) for stage, (output, code) in done.items()}


def test_killed_stages_run_again_leave_what_a_run_leaves(
    small: SmallPipeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with small_pipeline(tmp_path_factory.mktemp("whole")) as whole:
        ran = whole.run()
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        expected = left_by(whole)
        seconds = {entry["name"]: entry["seconds"] for entry in read_record(get_settings())}
    chance, killed = random.Random(SEED), 0
    for stage in (stage.name for stage in read_stages()):
        for _ in range(TIMES):
            killed += kill(small, stage, chance.uniform(0.5, 3 + seconds[stage]))
        ran = small.run(stage, "--wait")
        assert (ran.returncode, ran.stderr) == (0, ""), (stage, ran)
    assert left_by(small) == expected, f"after {killed} kills, seed {SEED}"
    assert killed > 0
    assert rows(RUNNING) == [(0,)]


def test_train_export_and_docs_at_the_same_time(small: SmallPipeline) -> None:
    expected = left_by(small)
    for _ in range(TIMES):
        for name in ("models", "processed"):
            shutil.rmtree(small.folder / name)
        (small.folder / "reports/dbt_docs.html").unlink()
        for stage, ran in run_together(small, "train", "export", "docs").items():
            assert (ran.returncode, ran.stderr) == (0, ""), (stage, ran)
            assert "nothing" not in ran.stdout
        ran = small.run("score", "report")
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        assert left_by(small) == expected


def test_two_gates_at_the_same_time_keep_both_results(small: SmallPipeline) -> None:
    expected = left_by(small)
    shutil.rmtree(small.folder / "reports/validation")
    for stage, ran in run_together(small, "check-raw", "check-marts").items():
        assert ran.returncode == 0, (stage, ran)
        assert "nothing new" not in ran.stdout
    assert left_by(small) == expected
