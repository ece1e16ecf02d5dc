"""All tasks of the pipeline have their turn: one that fails is named, and does not keep the others from theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import ml.score
import ml.task
import ml.train
from ml.each_task import NO_TASK
from ml.errors import ModelError, NothingToLearn, TaskBroken
from pipeline.stages import WORK
from tests.support.databases import rows
from tests.support.small.task import TASK, execute


@pytest.fixture
def tasks(task: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of tasks, with none declared."""
    monkeypatch.setenv("WAYBILL_TASK", "")
    (ml.task.TASKS / "small.yml").unlink()
    execute(
        "grant select on marts.rows to waybill_reader",
        "grant select on intermediate.processed_batches to waybill_reader",
    )
    return ml.task.TASKS


def declare(folder: Path, name: str, **changes: Any) -> None:
    (folder / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name, **changes}))


def test_without_a_task_the_run_goes_on(tasks: Path) -> None:
    for stage in ("train", "score"):
        assert (WORK[stage]().rows, WORK[stage]().summary) == (0, NO_TASK)
    for command in (ml.train.main, ml.score.main):
        ran = CliRunner().invoke(command, [])
        assert (ran.exit_code, ran.output) == (0, f"{NO_TASK}\n")
    declare(tasks, "only_named", in_pipeline=False)
    assert "every declared task says `in_pipeline: false`: name one with --task" in WORK["train"]().summary


def test_all_tasks_of_the_pipeline_are_trained_and_scored(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        declare(tasks, name)
    declare(tasks, "only_named", in_pipeline=False)
    trained = WORK["train"]()
    assert trained.rows == 2 * 441
    assert trained.summary.startswith("first: logistic_regression of 2: test roc_auc")
    assert "; second: logistic_regression of 2: test" in trained.summary
    assert WORK["score"]().rows == 2 * 600
    assert rows("select distinct task from predictions.model_checks order by 1") == [("first",), ("second",)]
    assert rows("select to_regclass('predictions.only_named')") == [(None,)]
    monkeypatch.setenv("WAYBILL_TASK", "only_named, second")
    assert WORK["train"]().summary.startswith("only_named: logistic_regression of 2")
    assert "second: nothing new" in WORK["train"]().summary


def test_a_task_that_fails_is_named_after_the_others_are_done(tasks: Path) -> None:
    declare(tasks, "broken", label="gone")
    declare(tasks, "healthy")
    (tasks / "unreadable.yml").write_text("a: [")
    with pytest.raises(TaskBroken) as raised:
        WORK["train"]()
    message = str(raised.value)
    assert "marts.rows has no column gone: correct ml/tasks/broken.yml; " in message
    assert "unreadable.yml is not YAML" in message
    assert message.endswith("(done: healthy)")
    with pytest.raises(ModelError, match=r"correct ml/tasks/|no model for broken"):
        WORK["score"]()
    assert rows("select count(*) from predictions.healthy") == [(600,)]


def test_a_task_whose_source_is_not_used_is_left_out(tasks: Path) -> None:
    execute("create table marts.never_loaded as table marts.rows with no data")
    execute("grant select on marts.never_loaded to waybill_trainer, waybill_reader")
    declare(tasks, "unused", table="never_loaded")
    assert WORK["train"]().summary == "nothing to do: no document of never_loaded was ever loaded"
    declare(tasks, "used")
    summary = WORK["train"]().summary
    assert summary.startswith("used: logistic_regression of 2")
    assert summary.endswith("; unused: no document of never_loaded was ever loaded")
    ran = CliRunner().invoke(ml.train.main, ["--task", "unused"])
    assert isinstance(ran.exception, NothingToLearn)


def test_train_prints_the_table_of_each_task(tasks: Path) -> None:
    declare(tasks, "first")
    declare(tasks, "second", candidates={"logistic_regression": {"max_iter": 1}})
    output = CliRunner().invoke(ml.train.main, []).output
    assert output.count("seconds   ROC AUC    PR-AUC     Brier       ECE   (test)") == 2
    assert "rows divided by on_date, days of UTC: 289 train, 152 validation, 147 test; classes not late 54" in output
    assert "did not converge: give it a higher max_iter" in output.partition("second: ")[2]
    assert "did not converge" not in output.partition("second: ")[0]
