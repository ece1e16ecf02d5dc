"""A run checks for alerts when it has ended, prints them and sends them; its own outcome stays the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import pipeline.alerts.judging
from expectations.errors import GateFailed
from pipeline.alerts.alert import Found
from pipeline.alerts.judging import judge
from pipeline.errors import DeclarationsChanged
from pipeline.runner import run_all, run_some
from pipeline.stage_list import read_stages
from pipeline.stages import WORK, StageResult
from tests.pipeline.alerts.conftest import succeed
from warehouse.errors import RunInProgress
from warehouse.work_lock import only_run
from waybill.cli import OWN_DATABASE

LAST = read_stages()[-1].name


def fail(*_: object) -> StageResult:
    raise GateFailed("it does not hold")


def alerts(output: str) -> list[str]:
    return [line.removeprefix("ALERT ") for line in output.splitlines() if line.startswith("ALERT ")]


def test_a_run_without_alerts_prints_and_sends_none(sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_all()
    assert alerts(capsys.readouterr().out) == []
    assert not sent.exists()


def test_a_failed_run_prints_and_sends_its_alert(
    sent: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(WORK, "check-raw", fail)
    with pytest.raises(GateFailed, match="it does not hold"):
        run_all()
    [alert] = alerts(capsys.readouterr().out)
    assert alert.startswith("run_failed check-raw: this gate failed at ")
    assert sent.read_text().count("NEW run_failed check-raw") == 1
    monkeypatch.setitem(WORK, "check-raw", succeed)
    run_all()
    assert alerts(capsys.readouterr().out) == []
    assert sent.read_text().count("RESOLVED run_failed check-raw") == 1


def test_a_single_stage_checks_if_it_fails_or_is_the_last(
    sent: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks: list[bool] = []

    def look() -> Found:
        looks.append(True)
        return judge()

    monkeypatch.setattr(pipeline.alerts.judging, "judge", look)
    run_some(["load"])
    assert looks == []
    monkeypatch.setitem(WORK, "train", fail)
    with pytest.raises(GateFailed):
        run_some(["train"])
    run_some([LAST])
    assert looks == [True, True]
    assert [alert.split(":")[0] for alert in alerts(capsys.readouterr().out)] == 2 * ["run_failed train"]


def test_a_run_that_its_declarations_stop_is_an_alert(
    sent: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise DeclarationsChanged("_raw_orders.yml differs from the declarations")

    monkeypatch.setattr("pipeline.runner.require_current", refuse)
    with pytest.raises(DeclarationsChanged):
        run_all()
    [alert] = alerts(capsys.readouterr().out)
    assert alert.startswith("run_failed pipeline: the run of ") and "did not complete: DeclarationsChanged" in alert
    assert sent.read_text().count("NEW run_failed pipeline") == 1


def test_a_rule_that_cannot_be_judged_is_named_after_a_run(
    sent: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.alerts.judging.judge_rejects", fail)
    run_some([LAST])
    assert caplog.messages == ["alert rejects cannot be judged: it does not hold"]


def test_a_run_that_is_refused_does_not_check(sent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with only_run(), pytest.raises(RunInProgress):
        run_some([LAST])
    assert (alerts(capsys.readouterr().out), sent.exists()) == ([], False)


def test_a_check_that_goes_wrong_is_only_a_warning(
    sent: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def go_wrong() -> None:
        raise KeyError("unexpected")

    monkeypatch.setattr(pipeline.alerts.judging, "judge", go_wrong)
    run_some([LAST])
    assert "alerts could not be checked: KeyError: 'unexpected'" in caplog.messages
    monkeypatch.setitem(WORK, LAST, fail)
    with pytest.raises(GateFailed):
        run_some([LAST])


def test_the_demo_prints_alerts_and_sends_none(
    sent: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(OWN_DATABASE, "waybill_demo")
    monkeypatch.setitem(WORK, LAST, fail)
    with pytest.raises(GateFailed):
        run_some([LAST])
    assert len(alerts(capsys.readouterr().out)) == 1
    assert not sent.exists()
