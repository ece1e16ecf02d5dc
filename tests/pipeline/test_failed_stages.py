"""After a stage has failed, those that wait for it do not run, and all others do; the first error ends the run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

import psycopg2
import pytest

from expectations.errors import GateFailed
from pipeline.errors import DbtFailed, ExportRefused
from pipeline.run_record import read_record, remember
from pipeline.runner import run_in_order, run_some
from pipeline.stage_list import read_stages
from pipeline.stages import StageResult
from tests.support.databases import rows
from warehouse.runs import recorded_run
from waybill.settings import get_settings

NAMES = [stage.name for stage in read_stages()]


def work(ran: list[str], **errors: BaseException) -> dict[str, Callable[[], StageResult]]:
    """Return work for every stage that notes its name, and raises the error given for it."""

    def of(name: str) -> Callable[[], StageResult]:
        def do() -> StageResult:
            if error := errors.get(name.replace("-", "_")):
                raise error
            ran.append(name)
            return StageResult(1, "")

        return do

    return {name: of(name) for name in NAMES}


@pytest.mark.parametrize(
    ("failed", "expected", "printed"),
    [
        ("load", [], "not run: check-raw, dbt, check-marts, train, score, export, docs, report\n"),
        ("check-marts", ["load", "check-raw", "dbt"], "not run: train, score, export, docs, report\n"),
        (
            "train",
            ["load", "check-raw", "dbt", "check-marts", "export", "docs"],
            "train        failed; export, docs can run without it\n",
        ),
        ("docs", ["load", "check-raw", "dbt", "check-marts", "train", "score", "export"], "not run: report\n"),
        ("report", NAMES[:-1], ""),
    ],
)
def test_only_what_waits_for_a_failed_stage_is_left_out(
    database: str, capsys: pytest.CaptureFixture[str], failed: str, expected: list[str], printed: str
) -> None:
    ran: list[str] = []
    with pytest.raises(GateFailed, match=f"^{failed} stopped the run: it does not hold"):
        run_in_order(NAMES, work=work(ran, **{failed.replace("-", "_"): GateFailed("it does not hold")}))
    assert ran == expected
    shown = capsys.readouterr().out
    assert printed in shown
    assert ("not run" in shown) is (failed != "report")


def test_the_first_of_several_errors_ends_the_run(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    errors = {"train": DbtFailed("one"), "export": ExportRefused("two"), "docs": psycopg2.OperationalError("three")}
    ran: list[str] = []
    with pytest.raises(DbtFailed, match=r"^train stopped the run: one"), recorded_run("pipeline") as run_id:
        run_in_order(NAMES, work=work(ran, **errors), run_id=run_id)
    assert ran == ["load", "check-raw", "dbt", "check-marts"]
    shown = capsys.readouterr()
    assert shown.err == "error: export stopped the run: two\n"  # an error that is not ours is logged
    assert shown.out.endswith("not run: score, report\n")
    outcomes = dict(rows("select stage, outcome from ledger.stage_runs"))
    assert [name for name, outcome in outcomes.items() if outcome == "failed"] == ["train", "export", "docs"]
    assert rows("select outcome, detail from ledger.runs") == [("failed", "DbtFailed: train stopped the run: one")]


def test_named_stages_wait_for_each_other_as_all_do(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    with pytest.raises(DbtFailed):
        run_some(["dbt", "docs", "check-raw"], work=work(ran, dbt=DbtFailed("it failed")))
    assert ran == ["check-raw"]
    assert "not run: docs\n" in capsys.readouterr().out


def test_ctrl_c_stops_all_stages(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_in_order(NAMES, work=work(ran, train=KeyboardInterrupt()))
    assert ran == ["load", "check-raw", "dbt", "check-marts"]
    assert "not run" not in capsys.readouterr().out


def _remember_often(name: str) -> int:
    """Remember a stage many times; return how often another process has replaced this one by an older record."""
    lost = 0
    for number in range(100):
        remember({"name": name, "rows": number}, NAMES)
        lost += {"name": name, "rows": number} not in read_record(get_settings())
    return lost


def test_stages_at_the_same_time_keep_each_others_records(database: str) -> None:
    names = ["train", "export", "docs"]
    with multiprocessing.get_context("fork").Pool(len(names)) as pool:
        assert pool.map(_remember_often, names, chunksize=1) == [0, 0, 0]
    assert read_record(get_settings()) == [{"name": name, "rows": 99} for name in names]
