"""What becomes of a model that had learnt erased rows: it stays and says so, is refused, or is replaced by a new one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import ml.task
from ml.checking.command import verify
from ml.erasing.retraining import retrain
from ml.errors import ModelRefused
from ml.registry import promotion
from ml.registry.command import models
from ml.registry.history import current_id
from ml.score import score
from ml.train import train
from tests.ml.erasing.conftest import Erase
from tests.support.databases import rows
from tests.support.small.task import TASK, execute

MARK = "learnt from 2 rows that were erased since"


def test_a_kept_model_predicts_and_everything_says_its_mark(task: Path, erase: Erase) -> None:
    model_id = train("small").manifest["model_id"]
    erase("row_id in ('r1', 'r2')")
    assert f"; ERASED: it {MARK}; `" in score("small").summary
    assert f"    {MARK}\n" in CliRunner().invoke(models, ["small"]).output
    listed = json.loads(CliRunner().invoke(models, ["small", "--json"]).output)["models"][0]
    assert (listed["erased_rows"], listed["is_refused"]) == (2, False)
    verified = CliRunner().invoke(verify, ["small"])
    assert verified.exit_code == 1 and f"  erasures     CHANGED    {MARK}\n" in verified.output
    assert "file         unchanged" in verified.output
    assert MARK in promotion.promote("small", model_id)
    assert "ERASED" not in (train("small").summary + score("small").summary)


def test_a_refused_model_never_predicts(task: Path, erase: Erase) -> None:
    first = train("small").manifest["model_id"]
    second = train("small", force=True).manifest["model_id"]
    erase("row_id in ('r1', 'r2')", "refuse")
    train_command = r"so it is refused: train a new one with `.*train --task small`"
    for refused in (
        lambda: score("small"),
        lambda: promotion.promote("small", first),
        lambda: promotion.rollback("small"),
    ):
        with pytest.raises(ModelRefused, match=f"of small {MARK}, {train_command}"):
            refused()
    assert f"    refused: {MARK}\n" in CliRunner().invoke(models, ["small"]).output
    trained = train("small")
    assert trained.manifest["model_id"] not in (first, second) and current_id("small") == trained.manifest["model_id"]
    assert score("small").rows == 598


def test_rows_that_come_back_do_not_bring_a_refused_model_back(task: Path, erase: Erase) -> None:
    refused = train("small").manifest["model_id"]
    execute("create table staging.kept as select * from marts.rows")
    erase("row_id in ('r1', 'r2')", "refuse")
    execute("insert into marts.rows select * from staging.kept where row_id in ('r1', 'r2')")
    assert train("small").manifest["model_id"] != refused
    assert score("small").rows == 600


def test_retraining_replaces_and_deletes_marked_models(task: Path, erase: Erase) -> None:
    old = [train("small", force=True).manifest["model_id"] for _ in range(2)]
    score("small")
    found = erase("row_id in ('r1', 'r2')", "retrain")
    assert {model.model_id for model in found.models} == set(old)
    retrained = retrain(found.tasks)
    new = current_id("small")
    assert new not in old and retrained.failed == []
    assert retrained.done == [f"small: {new} is the current model; 2 models that had learnt erased rows deleted"]
    assert sorted(path.name for path in task.iterdir() if path.is_dir()) == [new]
    assert rows("select distinct model_id::text from predictions.small_by_model") == [(new,)]
    assert rows("select count(*) from predictions.small") == [(598,)]
    assert rows("select count(*) from predictions.erased_models") == [(0,)]
    assert retrain(found.tasks).done == [], "it can be repeated"
    assert current_id("small") == new


def test_a_model_that_cannot_be_replaced_stays_and_is_refused(task: Path, erase: Erase) -> None:
    old = train("small").manifest["model_id"]
    score("small")
    found = erase("on_date < '2013-04-01'", "retrain")
    retrained = retrain(found.tasks)
    assert retrained.done == [] and "small: marts.rows has no labelled row" in retrained.failed[0]
    assert current_id("small") == old
    with pytest.raises(ModelRefused):
        score("small")


def test_another_policy_of_an_unfinished_erasure_counts(task: Path, erase: Erase) -> None:
    train("small")
    erase("row_id in ('r1', 'r2')", "refuse")
    erase.erasure = replace(erase.erasure, policy="keep-marked")
    (mark,) = erase.go_on().models
    assert (mark.rows, mark.is_refused) == (2, False)
    assert rows("select rows, is_refused from predictions.erased_models") == [(2, False)]
    assert f"; ERASED: it {MARK}; `" in score("small").summary


def test_marks_of_deleted_models_leave_the_warehouse(task: Path, erase: Erase) -> None:
    for _ in range(7):
        train("small", force=True)
    erase("row_id in ('r1', 'r2')")
    assert rows("select count(*) from predictions.erased_models") == [(7,)]
    train("small")
    score("small")
    assert "deleted:" in CliRunner().invoke(models, ["small", "--prune"]).output
    score("small")
    kept = [path.name for path in task.iterdir() if path.is_dir()]
    marked = [model_id for (model_id,) in rows("select model_id::text from predictions.erased_models")]
    assert 0 < len(marked) < 7 and set(marked) <= set(kept)


def test_each_task_follows_by_itself(task: Path, erase: Erase) -> None:
    for name, table in (("twin", "rows"), ("apart", "apart")):
        (ml.task.TASKS / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name, "table": table}))
    execute("create table marts.apart as select * from marts.rows", "grant select on marts.apart to waybill_trainer")
    old = {name: train(name).manifest["model_id"] for name in ("small", "twin", "apart")}
    for name in old:
        score(name)
    found = erase("row_id in ('r1', 'r2')", "retrain")
    assert sorted(found.tasks) == ["small", "twin"]
    assert {name: number for name, number in found.deleted.items() if number} == {
        "predictions.small_by_model": 2,
        "predictions.twin_by_model": 2,
    }
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "numeric": ["no_column"]}))
    retrained = retrain(found.tasks)
    assert [one.partition(":")[0] for one in retrained.done] == ["twin"]
    assert [one.partition(":")[0] for one in retrained.failed] == ["small"]
    assert current_id("small") == old["small"] and current_id("twin") != old["twin"]
    assert current_id("apart") == old["apart"] and score("apart").summary.startswith("nothing new")
