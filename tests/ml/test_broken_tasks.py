"""A task that cannot be learnt stops with one true sentence that names its file and what to correct."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.model_sources
import ml.task
from ml.errors import ModelError, NoModel, NothingToLearn, TaskBroken
from ml.registry.model_bytes import sealed
from ml.score import score
from ml.task import Task, chosen_tasks, read_task
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
    "a cost and a threshold": (
        {"cost": {"false_positive": 1, "false_negative": 3}},
        "has both cost and threshold: keep cost, for which the threshold is chosen, or threshold",
    ),
    "a cost of nothing": (
        {"threshold": None, "cost": {"false_positive": 0, "false_negative": 3}},
        "cost.false_positive must be greater than 0, not 0",
    ),
    "a cost of true": (
        {"threshold": None, "cost": {"false_positive": True, "false_negative": 3}},
        "cost.false_positive must be a number, not True",
    ),
    "a cost of text": (
        {"threshold": None, "cost": {"false_positive": "1", "false_negative": 3}},
        "cost.false_positive must be a number, not '1'",
    ),
    "an endless cost": (
        {"threshold": None, "cost": {"false_positive": float("inf"), "false_negative": 3}},
        "cost.false_positive must be",
    ),
    "costs far apart": (
        {"threshold": None, "cost": {"false_positive": 1, "false_negative": 2e6}},
        "cost has prices of 1 and 2e+06: the larger may be 1,000,000 times the other",
    ),
    "a group without a name": (
        {"feature_groups": {"": ["delay"]}},
        "names a group '' in feature_groups: a name has 1 to 60 characters",
    ),
    "a group with a long name": (
        {"feature_groups": {"g" * 300: ["delay"]}},
        "names a group 'gggggggggggggggggggg…' in feature_groups: a name has 1 to 60 characters",
    ),
    "a slice twice": ({"slices": ["shop", "shop"]}, "has the slice shop more than once"),
    "a slice of endless width": (
        {"slices": [{"column": "delay", "width": 1e300}]},
        "slices.0.width must be at most 1e+15, not 1e+300",
    ),
    "a group of no feature": (
        {"feature_groups": {"times": ["delay", "hour"]}},
        "names hour in feature_groups, which is not a feature",
    ),
    "a feature in two groups": (
        {"feature_groups": {"times": ["delay"], "all": ["shop", "delay"]}},
        "names delay more than once in feature_groups",
    ),
    "a slice of no feature": ({"slices": ["hour"]}, "names hour in slices, which is neither a feature nor"),
    "a slice of a number": ({"slices": ["delay"]}, "names delay in slices, which needs a width"),
    "a width of a category": ({"slices": [{"column": "shop", "width": 2}]}, "has a width, but is not a number"),
    "a blend of no candidate": (
        {"candidates": {"logistic_regression": {}, "blend": {"logistic_regression": 1, "random_forest": 1}}},
        "has a blend of random_forest, which is not another candidate",
    ),
    "a blend of one": (
        {"candidates": {"logistic_regression": {}, "blend": {"logistic_regression": 1}}},
        "has a blend of fewer than two candidates",
    ),
    "a blend of minus one": (
        {"candidates": {"dummy": {}, "logistic_regression": {}, "blend": {"dummy": 1, "logistic_regression": -1}}},
        "has a blend with a weight that is not a positive number",
    ),
    "a negative seed": ({"seed": -1}, "seed must be at least 0, not -1"),
    "a huge seed": ({"seed": 10**30}, "seed must be at most 4294967295, not 1000"),
    "a split of text": ({"split": "soon"}, "split must be a mapping, with a value for each field, not 'soon'"),
    "a day of text": (
        {"split": {"time_column": "on_date", "validation_from": "soon", "test_from": "2013-04-01"}},
        "split.validation_from must be",
    ),
    "a split without days": (
        {"split": {"time_column": "on_date", "validation_from": "2013-04-01", "test_from": "2013-04-01"}},
        "split must have validation_from before test_from",
    ),
    "an unknown field": ({"numerics": []}, "numerics is not a field that can be declared: did you mean numeric?"),
    "a column with a quote": ({"key": 'a"b'}, "key must match the pattern"),
    "another task": ({"task": "other"}, "declares task 'other': name the file after its task"),
    "a long name": (
        {"task": "t" * 54},
        "has a name of 54 characters, and predictions.<task>_by_model leaves 53: rename",
    ),
    "a name of a table": (
        {"task": "a_by_model"},
        "has a name that ends in _by_model, as tables of predictions do: rename",
    ),
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
        ({"a": {}}, ["a"]),
        ({"b": {"is_default": True}, "a": {}}, ["a", "b"]),
        ({"a": {}, "b": {"in_pipeline": False}}, ["a"]),
        ({"a": {}, "b": {"seed": "broken"}}, ["a", "b"]),
        ({}, []),
    ],
)
def test_all_tasks_of_the_pipeline_are_chosen_unless_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tasks: dict[str, dict[str, Any]], chosen: list[str]
) -> None:
    monkeypatch.setenv("WAYBILL_TASK", "")
    for name, content in tasks.items():
        declare(folder, content, name)
    assert chosen_tasks() == chosen
    monkeypatch.setenv("WAYBILL_TASK", "c, a,c")
    assert (chosen_tasks(), chosen_tasks("d")) == (["c", "a"], ["d"])


SPLITS: dict[str, tuple[dict[str, Any], str]] = {
    "time": ({"time_column": "t", "validation_from": "2024-01-01", "test_from": "2024-02-01"}, "time"),
    "group": ({"group_column": "g", "test_share": 0.3}, "group"),
    "random": ({}, "random"),
}


@pytest.mark.parametrize(("split", "kind"), SPLITS.values(), ids=SPLITS)
def test_a_split_is_by_time_by_group_or_at_random(split: dict[str, Any], kind: str) -> None:
    task = Task.model_validate({**TASK, "split": split})
    assert (task.split.kind, task.key) == (kind, ["row_id"])
    assert Task.model_validate(task.model_dump()) == task


def test_a_time_column_beside_the_split_is_read_as_part_of_it() -> None:
    days = {"validation_from": "2024-01-01", "test_from": "2024-02-01"}
    task = Task.model_validate({**TASK, "split": days, "time_column": "at"})
    assert task.split.time_column == "at"
    assert Task.model_validate({**TASK, "split": {**days, "time_column": "at"}}) == task


BAD_SPLITS: dict[str, tuple[dict[str, Any], str]] = {
    "two columns": ({"group_column": "g", "time_column": "t"}, "must name time_column or group_column, not both"),
    "no days": ({"time_column": "t"}, "must have validation_from and test_from beside time_column"),
    "days without a column": ({"test_from": "2024-01-01"}, "must have time_column beside validation_from"),
    "nothing to learn from": ({"validation_share": 0.5, "test_share": 0.5}, "must leave rows for training"),
    "all rows for test": ({"test_share": 1}, "split.test_share must be less than 1, not 1"),
    "days and shares": ({**SPLITS["time"][0], "test_share": 0.1}, "must not have shares beside time_column"),
}


@pytest.mark.parametrize(("split", "message"), BAD_SPLITS.values(), ids=BAD_SPLITS)
def test_a_split_of_two_kinds_or_with_empty_sets_is_refused(folder: Path, split: dict[str, Any], message: str) -> None:
    declare(folder, {"split": split})
    with pytest.raises(TaskBroken, match=message):
        read_task("small")


COLUMNS = {
    "a day as label": (
        {"label": "on_date", "split": {}},
        "column on_date of marts.rows is date, but the label must be boolean, text or integer",
    ),
    "text among numbers": (
        {"numeric": ["shop"], "categorical": []},
        "is text, but a feature under `numeric` must be",
    ),
    "a time of text": (
        {"split": {**TASK["split"], "time_column": "shop"}, "categorical": []},
        "but time_column must be date or timestamp",
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


def test_a_missing_table_names_its_command_or_the_mistake(
    task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute("drop table marts.rows")
    with pytest.raises(NothingToLearn, match=r"dbt has no mart of this name: correct `table` in ml/tasks/small\.yml"):
        train("small")
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "rows.sql").write_text("select 1")
    monkeypatch.setattr(ml.model_sources, "MODELS", tmp_path)
    with pytest.raises(NothingToLearn, match=r"there is no table marts.rows: run `make dbt`"):
        train("small")


@pytest.mark.parametrize("table", ["processed_batches", "document_outcomes"])
def test_a_mart_without_the_tables_of_dbt_names_the_command(task: Path, table: str) -> None:
    execute(f"drop table intermediate.{table}")
    with pytest.raises(NothingToLearn, match=f"dbt has not made intermediate.{table} in this database yet: run `make"):
        train("small")


def test_times_with_a_zone_and_flags_can_be_learnt_from(task: Path, tmp_path: Path) -> None:
    execute(
        "alter table marts.rows add column at timestamptz, add column is_odd boolean",
        "update marts.rows set at = on_date + interval '23:30', is_odd = delay % 2 = 1",
        "grant select on marts.rows to waybill_reader",
    )
    declare(tmp_path / "tasks", {"split": {**TASK["split"], "time_column": "at"}, "numeric": ["delay", "is_odd"]})
    trained = train("small")
    assert trained.manifest["split"] == {
        "kind": "time", "time_column": "at", "validation_from": "2013-03-01", "test_from": "2013-04-01"
    }  # fmt: skip
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
    missing = "false" if known == "true" else "true"
    assert f"too few labelled rows of is_late: {missing} (0 rows in train)" in str(raised.value)


def test_an_edited_task_is_scored_with_learnt_features(task: Path, tmp_path: Path) -> None:
    train("small")
    declare(tmp_path / "tasks", {"numeric": []})
    assert score("small").rows == 600
    assert rows("select count(distinct probability) > 10 from predictions.small") == [(True,)]


def test_an_older_model_of_an_edited_task_is_trained_again(task: Path, tmp_path: Path) -> None:
    manifest = task / train("small").manifest["model_id"] / "manifest.json"
    content = json.loads(manifest.read_text())
    del content["feature_types"]
    manifest.write_text(json.dumps(sealed(content)))
    assert score("small").rows == 600
    declare(tmp_path / "tasks", {"numeric": []})
    with pytest.raises(NoModel, match=r"learnt other features than ml/tasks/small\.yml names: train one with"):
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
