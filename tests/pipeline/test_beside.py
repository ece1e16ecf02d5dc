"""Stages that need not wait for each other run at the same time: their order, their failures, their record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import pytest

from pipeline.errors import DbtFailed, ExportRefused
from pipeline.runner import MIN_ROWS_BESIDE, run_in_order
from pipeline.stage_list import read_stages
from pipeline.stages import StageResult
from tests.support.databases import rows
from warehouse.runs import recorded_run

NAMES = [stage.name for stage in read_stages()]
BESIDE = ("export", "docs")
SECONDS = 60.0  # until a test fails that waits for another stage

Work = dict[str, Callable[[], StageResult]]


def work(of_marts: int = MIN_ROWS_BESIDE, **given: Callable[[], object]) -> Work:
    """Return what the stages of this process do: those given, and nothing for others, with so many rows of marts."""

    def of(name: str) -> Callable[[], StageResult]:
        def do() -> StageResult:
            given.get(name, lambda: None)()
            return StageResult(of_marts if name == "check-marts" else 1, "")

        return do

    return {name: of(name) for name in NAMES if name not in BESIDE}


@dataclass
class Others:
    """What the stages of other processes do, which are threads instead; and whether they were stopped."""

    work: dict[str, Callable[[], object]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Others:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    others = Others()

    class Process:
        def __init__(self, name: str) -> None:
            self.name, self.measured, self.stop = name, psutil.Process(), others.stopped.set

        def result(self) -> StageResult:
            others.work.get(self.name, lambda: None)()
            if others.stopped.is_set():
                raise KeyboardInterrupt
            return StageResult(2, "")

        def let_go(self) -> None:
            pass

        wait = let_go

    monkeypatch.setattr("pipeline.beside.StageProcess", Process)
    return others


def waiting_for(event: threading.Event) -> Callable[[], object]:
    return lambda: event.wait(SECONDS) or pytest.fail("it was not beside")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split()[0] for line in capsys.readouterr().out.splitlines() if "more than usual" not in line]


def test_stages_that_need_not_wait_run_at_the_same_time(
    database: str, capsys: pytest.CaptureFixture[str], beside: Others
) -> None:
    training, exported, scored, documented = (threading.Event() for _ in range(4))

    def train() -> None:
        training.set()
        waiting_for(exported)()

    beside.work["export"] = lambda: (waiting_for(training)(), exported.set())
    beside.work["docs"] = lambda: (waiting_for(scored)(), documented.set())
    stages = work(
        train=train,
        score=lambda: threading.Timer(0.3, scored.set).start(),
        report=lambda: documented.is_set() or pytest.fail("it did not wait"),
    )
    with recorded_run("pipeline") as run_id:
        run_in_order(NAMES, work=stages, run_id=run_id)
    printed = lines_of(capsys)
    assert [name for name in printed if name not in BESIDE] == [name for name in NAMES if name not in BESIDE]
    assert printed.index("train") < printed.index("export") < printed.index("docs") < printed.index("report")
    assert dict(rows("select stage, rows from ledger.stage_runs")) == {
        **dict.fromkeys(NAMES, 1), **dict.fromkeys(BESIDE, 2), "check-marts": MIN_ROWS_BESIDE
    }  # fmt: skip
    servers = "select stage from ledger.stage_run_parts join ledger.stage_runs using (stage_run_id) where part = %s"
    assert {stage for (stage,) in rows(f"{servers} and unseen is not null", "PostgreSQL")} >= set(BESIDE)


def test_few_rows_are_not_worth_another_process(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("pipeline.beside.StageProcess", lambda name: pytest.fail("it was begun"))
    here = dict.fromkeys(BESIDE, lambda: StageResult(1, ""))
    monkeypatch.setattr("pipeline.stage_run.WORK", here)
    run_in_order(NAMES, work=work(MIN_ROWS_BESIDE - 1))
    assert lines_of(capsys) == NAMES


def test_two_cores_run_one_stage_at_a_time(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("pipeline.beside.StageProcess", lambda name: pytest.fail("it was begun"))
    monkeypatch.setattr("pipeline.stage_run.WORK", dict.fromkeys(BESIDE, lambda: StageResult(1, "")))
    run_in_order(NAMES, work=work())
    assert lines_of(capsys) == NAMES


def test_a_failed_stage_beside_keeps_only_its_own_waiting(
    database: str, capsys: pytest.CaptureFixture[str], beside: Others
) -> None:
    def refuse() -> None:
        raise ExportRefused("no")

    beside.work["export"] = refuse
    with pytest.raises(ExportRefused, match=r"^export stopped the run: no$"):
        run_in_order(NAMES, work=work())
    assert {"train", "score", "docs", "not"} <= set(lines_of(capsys))
    outcomes = dict(rows("select stage, outcome from ledger.stage_runs"))
    assert [name for name in NAMES if outcomes.get(name) != "succeeded"] == ["export", "report"]
    assert outcomes["export"] == "failed"


def test_stages_beside_a_failed_one_go_on_to_their_end(
    database: str, capsys: pytest.CaptureFixture[str], beside: Others
) -> None:
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise DbtFailed("no")

    beside.work["export"] = waiting_for(failed)
    with pytest.raises(DbtFailed, match=r"^train stopped the run: no$"):
        run_in_order(NAMES, work=work(train=fail))
    printed = capsys.readouterr().out.splitlines()
    assert "train        failed; export, docs can run without it" in printed
    assert printed[-1] == "not run: score, report"
    succeeded = {stage for (stage,) in rows("select stage from ledger.stage_runs where outcome = 'succeeded'")}
    assert succeeded >= set(BESIDE)


def test_ctrl_c_stops_the_stages_beside(database: str, beside: Others) -> None:
    begun = threading.Event()

    def export() -> None:
        begun.set()
        waiting_for(beside.stopped)()

    def interrupt() -> None:
        waiting_for(begun)()
        raise KeyboardInterrupt

    beside.work.update(export=export, docs=lambda: pytest.fail("it was begun"))
    with pytest.raises(KeyboardInterrupt):
        run_in_order(NAMES, work=work(train=interrupt))
    assert beside.stopped.is_set()
    assert dict(rows("select stage, outcome from ledger.stage_runs"))["export"] == "failed"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("waybill-beside")]
