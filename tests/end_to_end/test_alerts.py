# waybill: sample
"""Alerts of real runs on the small sample: none while all is well, one for what went wrong, and an end when it is fixed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.alerts.judging import judge
from pipeline.alerts.memory import memory_path
from tests.end_to_end.test_gates import twenty_minutes_late
from tests.support.databases import rows
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from tests.support.small.task import execute
from waybill.settings import get_settings

RUNS = 5
PLANT_DRIFT = """
insert into predictions.model_drift (task, model_id, kind, name, scored_at, rows, psi, limits, alarms)
values ('flight_delays_small', '{model}', 'number', 'planted', now(), 10, 0.5, '{{}}', '{{"PSI 0.500 over 0.100"}}')
"""
CHANGES = ("new", "changed", "resolved")
APPEND = "import sys; open({path!r}, 'a').write(sys.stdin.read() + '\\n')"


@pytest.fixture(scope="module")
def small(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    """A pipeline that has completed one run, and whose alerts a command writes to the file `sent`."""
    with small_pipeline(tmp_path_factory.mktemp("pipeline")) as found, pytest.MonkeyPatch.context() as patch:
        command = shlex.join([sys.executable, "-c", APPEND.format(path=str(found.folder / "sent"))])
        own = {"WAYBILL_ALERT_COMMAND": command, "WAYBILL_ALERT_DISK_PERCENT": "0", "WAYBILL_ALERT_DISK_BYTES": "0"}
        for name, value in own.items():
            patch.setenv(name, value)
        for name, value in found.variables.items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
        ran = found.run()
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "ALERT" not in ran.stdout
        yield found
        memory_path(get_settings()).unlink(missing_ok=True)


def sent(small: SmallPipeline) -> list[dict[str, Any]]:
    path = small.folder / "sent"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def alerts_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("ALERT ")]


def test_a_check_after_clean_runs_finds_nothing(small: SmallPipeline) -> None:
    ran = small.run()
    assert (ran.returncode, alerts_in(ran.stdout)) == (0, []), ran
    found = judge()
    assert found.alerts == [] and set(found.not_judged) <= {"broker_away", "consumer_lag"}
    assert sent(small) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_thirty_runs_of_all_stages_give_no_alert(small: SmallPipeline) -> None:
    """Each has a new flight and one that was delivered before, so that every stage has work."""
    landed = [flight for flight in small_sample()["flights"] if flight["scheduled"]["date"] < "2013-10-01"]
    for number in range(30):
        new = {**landed[number], "flight_number": 9000 + number}
        small.deliver("flights", f"new-{number}.ndjson", [new, landed[number]])
        ran = small.run()
        assert (ran.returncode, alerts_in(ran.stdout), judge().alerts) == (0, [], []), (number, ran)
    assert sent(small) == []
    assert rows("select count(*) from marts.fct_flights where flight_number >= 9000") == [(30,)]


@pytest.mark.long
def test_models_are_judged_right_after_each_run(small: SmallPipeline) -> None:
    """They are not judged while a lock is held, so each of the runs has released its own before it looks."""
    ((model,),) = rows("select distinct model_id::text from predictions.flight_delays_small")
    execute(PLANT_DRIFT.format(model=model))
    for number in range(RUNS):
        ran = small.run()
        assert ran.returncode == 0, ran
        [line] = alerts_in(ran.stdout)
        assert line.startswith("ALERT model_drift flight_delays_small: 1 column differs"), number
    execute("delete from predictions.model_drift where name = 'planted'")
    ran = small.run()
    assert (ran.returncode, alerts_in(ran.stdout)) == (0, []), ran
    changes = [(name, one["rule"]) for message in sent(small) for name in CHANGES for one in message[name]]
    assert changes == [("new", "model_drift"), ("resolved", "model_drift")]
    (small.folder / "sent").unlink()


def test_rows_that_change_make_a_model_stale_until_the_next_run(small: SmallPipeline) -> None:
    landed = [flight for flight in small_sample()["flights"] if flight["scheduled"]["date"] < "2013-10-01"]
    later = [{**flight, "flight_number": flight["flight_number"] + 7000} for flight in landed[:8]]
    small.deliver("flights", "later.ndjson", later)
    ran = small.run("load", "dbt")
    assert (ran.returncode, alerts_in(ran.stdout)) == (0, []), ran  # it is not the end of a run
    [alert] = judge().alerts
    assert (alert.rule, alert.name) == ("model_stale", "flight_delays_small")
    assert alert.batch_id
    assert sent(small) == []


def test_a_gate_that_fails_is_one_alert_until_it_holds(small: SmallPipeline) -> None:
    """The model that is stale since the test before is not judged until a run has succeeded, which trains it."""
    small.deliver("flights", "late.ndjson", twenty_minutes_late())
    ran = small.run()
    [line] = alerts_in(ran.stdout)
    [alert] = judge().alerts
    assert (ran.returncode, line) == (1, f"ALERT {alert}"), ran
    assert (alert.rule, alert.kind, alert.name) == ("run_failed", "stage", "check-marts")
    assert f"look at {small.folder}/reports/data_docs/index.html" in alert.message
    late = small.folder / "raw" / "flights" / "late.ndjson"
    undo = [sys.executable, "-m", "loader", "undo", str(late)]
    subprocess.run(undo, env=small.variables, check=True, capture_output=True)
    late.unlink()
    ran = small.run()
    assert (ran.returncode, alerts_in(ran.stdout), judge().alerts) == (0, [], []), ran
    changes = [(name, one["rule"]) for message in sent(small) for name in CHANGES for one in message[name]]
    assert changes == [("new", "run_failed"), ("resolved", "run_failed")]
