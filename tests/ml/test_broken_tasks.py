"""A task that cannot be learnt stops with one true sentence that names its file and what to correct."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.errors import ModelError, NoModel, NothingToLearn, TaskBroken
from ml.score import score
from ml.task import chosen_task, read_task
from ml.train import train
from tests.support.databases import rows
from tests.support.small.task import TASK, execute

MISTAKES: dict[str, tuple[dict[str, Any] | str | bytes, str]] = {
    "no candidates": ({"candidates": {}}, "candidates must have at least 1 entries"),
    "candidates as a list": ({"candidates": ["dummy"]}, "candidates must be a mapping, with a value for each name"),
    "parameters as a number": ({"candidates": {"dummy": 1}}, "candidates.dummy must be a mapping"),
    "no features": ({"categorical": [], "numeric": []}, "must name at least one feature"),
    "a feature twice": ({"numeric": ["delay", "delay"]}, "names delay more than once"),
    "the answer as a feature": ({"numeric": ["delay", "is_late"]}, "names is_late more than once"),
    "text for a list": ({"numeric": "delay"}, "numeric must be a list, not 'delay'"),
    "a number for text": ({"label": 5}, "label must be text, not 5"),
    "a threshold of text": ({"threshold": "half"}, "threshold must be a number, not 'half'"),
    "a threshold of two": ({"threshold": 2}, "threshold must be less than 1, not 2"),
    "not a number": ({"threshold": float("nan")}, "threshold must be less than 1, not nan"),
    "a negative seed": ({"seed": -1}, "seed must be at least 0, not -1"),
    "a huge seed": ({"seed": 10**30}, "seed must be at most 4294967295, not 1000"),
    "a split of text": ({"split": "soon"}, "split must be a mapping, with a value for each field, not 'soon'"),
    "a day of text": (
        {"split": {"validation_from": "soon", "test_from": "2013-04-01"}},
        "split.validation_from must be",
    ),
    "a split without days": (
        {"split": {"validation_from": "2013-04-01", "test_from": "2013-04-01"}},
        "must have split",
    ),
    "an unknown field": ({"numerics": []}, "numerics is not a field that can be declared: did you mean numeric?"),
    "a column with a quote": ({"key": 'a"b'}, "key must match the pattern"),
    "another task": ({"task": "other"}, "declares task 'other': name the file after its task"),
    "not YAML": ("a: b: c", "is not YAML: line 1: mapping values are not allowed here"),
    "an open list": ("a: [", "is not YAML: line 1"),
    "an impossible day": ("split: 2013-13-45", "is not YAML: month must be in 1..12"),
    "nothing": ("", "must be a mapping"),
    "a list": ("- a", "must be a mapping"),
    "Latin-1": (b"label: caf\xe9", "is not UTF-8 (byte 11): save it as UTF-8"),
    "endless nesting": ("[" * 10_000, "is nested too deeply"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which tasks are declared."""
    monkeypatch.setattr(ml.task, "TASKS", tmp_path)
    return tmp_path


def declare(folder: Path, content: dict[str, Any] | str | bytes, name: str = "small") -> None:
    text = yaml.safe_dump({**TASK, "task": name, **content}) if isinstance(content, dict) else content
    (folder / f"{name}.yml").write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(("content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_task_is_named(folder: Path, content: dict[str, Any] | str | bytes, message: str) -> None:
    declare(folder, content)
    with pytest.raises(TaskBroken) as raised:
        read_task("small")
    assert message in str(raised.value)
    assert "small.yml" in str(raised.value)
    assert not [word for word in ("Input", "pydantic", "validation error", "\n") if word in str(raised.value)]


def test_several_mistakes_are_named_together(folder: Path) -> None:
    declare(folder, {"label": 1, "key": 2, "seed": "a", "threshold": "b"})
    with pytest.raises(
        TaskBroken, match=r"key must be text, not 2: write it in quotes; label .*; seed must be .*, and 1 more"
    ):
        read_task("small")


@pytest.mark.parametrize(
    ("tasks", "chosen"),
    [
        ({"a": {}}, "a"),
        ({"a": {}, "b": {"is_default": True}}, "b"),
        ({"a": {}, "b": {}}, None),
        ({"a": {"is_default": True}, "b": {"is_default": True}}, None),
        ({}, None),
    ],
)
def test_only_an_unambiguous_task_is_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tasks: dict[str, dict[str, Any]], chosen: str | None
) -> None:
    monkeypatch.setenv("WAYBILL_TASK", "")
    for name, content in tasks.items():
        declare(folder, content, name)
    if chosen:
        assert chosen_task() == chosen
    else:
        with pytest.raises(TaskBroken, match=r"^which task\? (a, b|none) .*--task or WAYBILL_TASK"):
            chosen_task()
    monkeypatch.setenv("WAYBILL_TASK", "c")
    assert (chosen_task(), chosen_task("d")) == ("c", "d")


COLUMNS = {
    "a label of text": (
        {"label": "airline", "categorical": []},
        "column airline of marts.rows is text, but the label must be boolean",
    ),
    "a number as label": ({"label": "delay", "numeric": []}, "delay of marts.rows is integer, but the label must be"),
    "text among numbers": (
        {"numeric": ["airline"], "categorical": []},
        "is text, but a feature under `numeric` must be",
    ),
    "a time of text": (
        {"time_column": "airline", "categorical": []},
        "but time_column must be date, timestamp without",
    ),
    "an unknown column": ({"numeric": ["delay", "gone"]}, "marts.rows has no column gone: correct ml/tasks/small.yml"),
    "an unknown parameter": ({"candidates": {"dummy": {"depth": 3}}}, "got an unexpected keyword argument 'depth'"),
    "a wrong parameter": ({"candidates": {"logistic_regression": {"C": "x"}}}, "logistic_regression cannot be fitted"),
    "an unknown candidate": ({"candidates": {"oracle": {}}}, "unknown candidate 'oracle': choose from dummy"),
}


@pytest.mark.parametrize(("content", "message"), COLUMNS.values(), ids=COLUMNS)
def test_a_task_that_does_not_fit_its_table_is_named(
    task: Path, tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    declare(tmp_path / "tasks", content)
    with pytest.raises(ModelError) as raised:
        train("small")
    assert message in str(raised.value)
    assert "make dbt" not in str(raised.value)


def test_a_missing_table_names_the_command_that_makes_it(task: Path) -> None:
    execute("drop table marts.rows")
    with pytest.raises(NothingToLearn, match=r"there is no table marts.rows: run `make dbt`"):
        train("small")


def test_times_with_a_zone_and_flags_can_be_learnt_from(task: Path, tmp_path: Path) -> None:
    execute(
        "alter table marts.rows add column at timestamptz, add column is_odd boolean",
        "update marts.rows set at = on_date + interval '23:30', is_odd = delay % 2 = 1",
        "grant select on marts.rows to waybill_reader",
    )
    declare(tmp_path / "tasks", {"time_column": "at", "numeric": ["delay", "is_odd"]})
    trained = train("small")
    assert trained.manifest["split"] == {"validation_from": "2013-03-01", "test_from": "2013-04-01"}
    assert trained.rows == rows("select count(is_late) from marts.rows where at < '2013-04-01'")[0][0]
    assert score("small").rows == 600


def test_infinite_numbers_are_named(task: Path) -> None:
    execute("alter table marts.rows alter delay type float8", "update marts.rows set delay = 'inf' where row_id = 'r1'")
    with pytest.raises(TaskBroken, match=r"marts.rows holds infinity in delay"):
        train("small")


@pytest.mark.parametrize("known", ["true", "false"])
def test_a_set_with_one_answer_is_described_truly(task: Path, known: str) -> None:
    execute(f"update marts.rows set is_late = {known} where on_date < '2013-03-01'")
    with pytest.raises(NothingToLearn) as raised:
        train("small")
    which = "all" if known == "true" else "none"
    assert f"the train set has 295 labelled rows, and the label of {which} of them is true" in str(raised.value)


def test_an_edited_task_does_not_score_with_the_old_model(task: Path, tmp_path: Path) -> None:
    train("small")
    declare(tmp_path / "tasks", {"numeric": []})
    with pytest.raises(NoModel, match=r"learnt other features than ml/tasks/small\.yml names"):
        score("small")


def test_rows_without_a_label_get_the_tasks_own_reason(task: Path, tmp_path: Path) -> None:
    script = (
        f"import ml.task, pathlib; ml.task.TASKS = pathlib.Path({str(tmp_path / 'tasks')!r}); import ml.train as t; "
    )
    for declared, expected in (({}, "have no label and are left out"), ({"unlabelled": "no answer"}, "(no answer)")):
        declare(tmp_path / "tasks", declared)
        command = [sys.executable, "-c", f"{script}t.main(['--task', 'small', '--force'])"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
        assert expected in ran.stdout.splitlines()[-1]
