"""A search measures on validation, is the same for the same seed, and continues where it was interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import ml.searching.trials as trials_module
import ml.task
from ml.errors import TaskBroken
from ml.searching.ranges import RANGES, draw_trials
from ml.searching.search import Found, search
from ml.task import Task, read_task
from ml.train import main, train
from tests.support.dask.cluster import wait_until
from tests.support.small.task import TASK, execute

CANDIDATES = {"dummy": {}, "logistic_regression": {"max_iter": 200}, "hist_gradient_boosting": {"max_iter": 5}}
SECOND = 1 / 60  # in minutes


@pytest.fixture(autouse=True)
def searched(task: Path) -> Path:
    """Declare candidates to search, with small boosting; return the file of the trials."""
    declare({"candidates": CANDIDATES})
    return task / "trials.jsonl"


def declare(changes: dict[str, Any]) -> None:
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": CANDIDATES, **changes}))


def searching(minutes: float = 0.0) -> Found:
    return search(read_task("small"), minutes, lambda trial, elapsed: None)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def figures(file: Path) -> dict[str, Any]:
    """Return what was measured, without what depends on the clock."""
    return {json.dumps([one["candidate"], one["parameters"]]): one["validation"] for one in lines(file)}


def test_the_declared_parameters_are_tried_whatever_the_time(searched: Path) -> None:
    found = searching()
    tried = {one["candidate"]: one["parameters"] for one in lines(searched)}
    assert tried == {name: parameters for name, parameters in CANDIDATES.items() if name != "dummy"}
    assert (found.new, searching().new) == (2, 0)


def test_a_search_measures_what_training_measures(searched: Path) -> None:
    searching()
    trained = train("small").manifest["candidates"]
    for one in lines(searched):
        validation = trained[one["candidate"]]["validation"]
        assert one["validation"]["roc_auc"] == pytest.approx(validation["roc_auc"], abs=1e-4)
        assert one["validation"]["rows"] == validation["rows"] == 152


def test_no_figure_depends_on_the_test_set(searched: Path) -> None:
    searching(2 * SECOND)
    before = figures(searched)
    searched.unlink()
    execute("update marts.rows set is_late = not is_late, delay = 100 - delay where on_date >= '2013-04-01'")
    searching(2 * SECOND)
    common = before.keys() & figures(searched).keys()
    assert len(common) > 3
    assert {name: figures(searched)[name] for name in common} == {name: before[name] for name in common}


def test_a_search_goes_on_until_the_time_of_all_runs_is_over(searched: Path) -> None:
    first = searching(2 * SECOND)
    assert 2 < first.new == len(first.trials)
    assert searching(2 * SECOND).new <= 1  # one that a shorter fit has left time for
    more = searching(5 * SECOND)
    assert more.new > 0 and len(more.trials) >= first.new + more.new
    assert first.elapsed < more.elapsed < 20
    identities = [trial.identity for trial in more.trials]
    assert len(identities) == len(set(identities))


def test_the_same_trials_are_drawn_for_the_same_seed() -> None:
    def drawn(**changes: Any) -> list[str]:
        declared = Task.model_validate({**TASK, "candidates": CANDIDATES, **changes})
        return [draw.identity for _, draw in zip(range(20), draw_trials(declared), strict=False)]

    assert drawn() == drawn(numeric=["delay", "price"], unlabelled="x")
    assert drawn() != drawn(seed=2)
    alone = drawn(candidates={"logistic_regression": {"max_iter": 200}})
    assert [identity for identity in drawn() if "logistic" in identity] == alone[:10]
    # of this seed, on any machine and with any hash seed
    assert drawn()[2] == '["logistic_regression", {"C": 0.0013, "max_iter": 200}]'


def test_every_draw_is_in_its_range_and_none_repeats() -> None:
    declared = Task.model_validate({**TASK, "candidates": {name: {} for name in RANGES}})
    draws = [draw for _, draw in zip(range(900), draw_trials(declared), strict=False)]
    assert len({draw.identity for draw in draws}) == len(draws) == 900
    for draw in draws[len(RANGES) :]:
        for name, of_parameter in RANGES[draw.candidate].items():
            assert of_parameter.low <= draw.parameters[name] <= of_parameter.high
            assert isinstance(draw.parameters[name], type(of_parameter.low))


KILLED = """
import sys, pathlib
import ml.task
ml.task.TASKS = pathlib.Path(sys.argv.pop(1))
from ml.train import main
main()
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_search_goes_on_with_the_same_command(searched: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-c", KILLED, str(ml.task.TASKS), "--search", "--minutes", "1", "--task", "small"]
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: searched.exists() and searched.read_bytes().count(b"\n") >= 4)
    process.send_signal(ending)
    process.wait(30)
    kept = searched.read_bytes()
    with searched.open("ab") as file:
        file.write(b'{"candidate": "logistic_regr')  # what a kill during a write can leave
    known = kept.count(b"\n")
    seconds = json.loads(kept.splitlines()[-1])["elapsed"]
    found = next(found for more in (2, 10, 30) if (found := searching((seconds + more) / 60)).new)
    assert len(found.trials) == known + found.new == len(lines(searched))
    assert searched.read_bytes().startswith(kept) and not found.ignored


def test_trials_of_other_things_are_ignored_and_named(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searching()
    execute("update marts.rows set delay = delay + 1 where row_id = 'r7'")
    assert dict(searching().ignored) == {"of other training rows": 2}
    declare({"numeric": []})
    assert dict(searching().ignored) == {"of other training rows": 4}  # the digest is that of the declared columns
    declare({"numeric": [], "seed": 1, "rare_classes": "leave_out"})
    assert searching().ignored["of other features, label, split or seed"] == 2
    monkeypatch.setattr(trials_module, "versions", lambda: {"scikit-learn": "0.1"})
    assert searching().ignored["of other library versions"] == 2
    searched.write_text("{}\nnull\nno JSON\n" + searched.read_text())
    found = searching()
    assert (found.new, found.ignored["unreadable"]) == (0, 3)
    assert searched.read_text().count("bound_to") == 10


def test_what_a_label_is_called_and_candidates_bind_no_trial(searched: Path) -> None:
    searching()
    declare({"positive_label": "tardy", "threshold": 0.3, "candidates": dict(reversed(CANDIDATES.items()))})
    found = searching()
    assert (found.new, len(found.trials)) == (0, 2) and not found.ignored


def test_a_task_without_a_candidate_to_search_says_so() -> None:
    declare({"candidates": {"dummy": {}}})
    with pytest.raises(TaskBroken, match="declares no candidate to search: add one of logistic_regression"):
        searching()


def test_parameters_that_are_refused_are_named() -> None:
    declare({"candidates": {"logistic_regression": {"C": -1}}})
    with pytest.raises(TaskBroken, match=r"candidate logistic_regression cannot be fitted: .*'C'"):
        searching()


def test_the_command_prints_a_table_and_the_lines(searched: Path) -> None:
    before = (ml.task.TASKS / "small.yml").read_bytes()
    result = CliRunner().invoke(main, ["--search", "--minutes", "0.05", "--task", "small"])
    assert result.exit_code == 0, result.output
    assert "of 0.05 minutes, measured on validation" in result.output
    assert "(as declared)" in result.output
    assert "in ml/tasks/small.yml:\ncandidates:\n  dummy: {}\n" in result.output or "nothing to change" in result.output
    assert (ml.task.TASKS / "small.yml").read_bytes() == before


def test_write_puts_the_best_parameters_into_the_task(searched: Path) -> None:
    declare({"candidates": {"logistic_regression": {"C": 0.00001}}})
    execute("update marts.rows set shop = case when is_late then 'NE' else 'SW' end where row_id < 'r4'")
    result = CliRunner().invoke(main, ["--search", "--minutes", "0.05", "--task", "small", "--write"])
    assert "wrote " in result.output, result.output
    trials = sorted(lines(searched), key=lambda one: -one["validation"]["roc_auc"])
    assert read_task("small").task.candidates["logistic_regression"] == trials[0]["parameters"]
    again = CliRunner().invoke(main, ["--search", "--minutes", "0", "--task", "small", "--write"])
    assert "(0 new)" in again.output and "nothing to change" in again.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "3"], "--minutes and --write need --search"),
        (["--write"], "--minutes and --write need --search"),
        (["--search", "--force"], "--force and --search exclude each other"),
        (["--search", "--minutes", "-1"], "-1"),
        (["--search", "--minutes", "nan"], "not a finite number"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2 and message in result.output
