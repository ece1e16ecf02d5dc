"""A model knows its data (P7): altered or of other versions it is not loaded, and when its rows changed it is stale."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.artefact
import ml.task
from loader.landing.raw_tables import make_raw_tables
from ml.artefact import load
from ml.errors import ArtefactBroken, NoModel, NothingToLearn, OtherVersions, TaskBroken
from ml.score import score
from ml.task import read_task
from ml.train import train
from tests.support.databases import rows
from tests.support.landing import flight, land
from warehouse.connection import connect

TASK = {
    "task": "small",
    "table": "rows",
    "key": "row_id",
    "label": "is_late",
    "time_column": "on_date",
    "split": {"validation_from": "2013-03-01", "test_from": "2013-04-01"},
    "seed": 1,
    "threshold": 0.5,
    "categorical": ["airline"],
    "numeric": ["delay"],
    "candidates": {"dummy": {}, "logistic_regression": {}},
}


@pytest.fixture
def task(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 600 rows whose label follows a number, and the task that learns it."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "small.yml").write_text(yaml.safe_dump(TASK))
    monkeypatch.setattr(ml.task, "TASKS", folder)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    execute(
        "create table marts.rows as select 'r' || n as row_id, date '2013-01-01' + n % 120 as on_date,"
        " case when n % 50 <> 0 then (n * 7) % 20 > 10 end as is_late, case n % 2 when 0 then 'UA' else 'AA' end as airline,"
        " nullif((n * 7) % 20 + n % 3, 0) as delay from generate_series(1, 600) as n",
        "grant select on marts.rows to waybill_trainer",
        "create table intermediate.consumed_batches (model text, batch_id uuid)",
        "grant select on intermediate.consumed_batches to waybill_trainer",
        "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
        "grant select on intermediate.document_outcomes to waybill_trainer",
    )
    return tmp_path / "models" / "small"


def execute(*statements: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def model_file(folder: Path) -> Path:
    return folder / (folder / "current").read_text().strip() / "model.joblib"


def test_a_model_is_trained_once_and_scores_every_row(task: Path) -> None:
    trained = train("small")
    assert trained.manifest["chosen"] == "logistic_regression"
    assert trained.manifest["metrics"]["roc_auc"] > 0.9
    assert trained.manifest["rows"] == {"all": 600, "unlabelled": 12, "learnt_from": trained.rows}
    drawn = trained.manifest["curves"]
    assert (drawn["roc"][0], drawn["roc"][-1]) == ([0, 0], [1, 1])
    assert [x for x, _ in drawn["precision_recall"]] == sorted(x for x, _ in drawn["precision_recall"])
    assert sum(rows for _, _, rows in drawn["calibration"]) == trained.manifest["metrics"]["rows"]
    assert train("small").summary.startswith("nothing new")
    assert score("small").rows == 600
    assert rows("select count(*), count(distinct model_id), bool_or(is_stale) from predictions.small") == [
        (600, 1, False)
    ]
    assert score("small").rows == 0


def test_the_order_of_rows_is_nothing_and_one_flipped_label_makes_the_model_stale(task: Path) -> None:
    train("small")
    execute("create table shuffled as table marts.rows", "truncate marts.rows",
            "insert into marts.rows select * from shuffled order by md5(row_id)")  # fmt: skip
    assert not score("small").is_stale
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    scored = score("small")
    assert scored.is_stale and "STALE" in scored.summary
    assert rows("select bool_and(is_stale) from predictions.small") == [(True,)]


FIT_AND_SHOW_THREADS = """
import json, sys
import pandas, threadpoolctl
import ml.train
from ml.task import Task

def show_threads(*_):
    print(json.dumps([pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "openmp"]))
    return {"roc_auc": 0.5}

ml.train.measure = show_threads
days = pandas.date_range("2013-01-01", periods=120).tz_localize(None)
rows = pandas.DataFrame({"on_date": days, "airline": "UA", "delay": range(120), "is_late": [True, False] * 60})
ml.train._compare(Task.model_validate_json(sys.argv[1]), rows)
"""


def test_no_library_fits_with_more_threads_than_are_allowed() -> None:
    """In a process of its own, since a library that is loaded already would be limited anyway."""
    task = json.dumps({**TASK, "candidates": {"hist_gradient_boosting": {"max_iter": 2}}})
    shown = subprocess.run(
        [sys.executable, "-c", FIT_AND_SHOW_THREADS, task],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    threads = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(threads) == 2, shown.stderr
    assert all(pools and set(pools) == {1} for pools in threads)


def take_in(outcome: str) -> str:
    """Land a batch of one flight that the table takes in, with what becomes of the flight; return its name."""
    batch = land("flights", flight())
    execute(
        f"insert into intermediate.consumed_batches values ('rows', '{batch}')",
        f"insert into intermediate.document_outcomes values ('{batch}', '{outcome}')",
        f"update ledger.inputs set name = '{outcome}.ndjson' where input_id = '{batch}'",
    )
    return f"flights: {outcome}.ndjson"


def test_a_stale_model_names_the_batches_that_did_it(task: Path) -> None:
    make_raw_tables()
    take_in("superseded")
    train("small")
    take_in("duplicate")
    assert not score("small").is_stale
    corrected = take_in("current")
    withdrawn = take_in("filtered")
    execute("update marts.rows set delay = 99 where row_id = 'r8'", "delete from marts.rows where row_id = 'r9'")
    said = score("small").summary
    assert f"STALE: its training rows have changed ({corrected}, {withdrawn}); train anew" in said
    assert score("small").summary.startswith("nothing new") and f"({corrected}, {withdrawn})" in score("small").summary
    assert corrected in rows("select obj_description('predictions.small'::regclass)")[0][0]
    train("small")
    assert not score("small").is_stale


def test_a_batch_that_is_gone_and_a_change_by_hand_are_told_apart(task: Path) -> None:
    make_raw_tables()
    name = take_in("current")
    train("small")
    execute("delete from marts.rows where row_id = 'r9'")
    assert "by no batch: the table was made otherwise or by hand" in score("small").summary
    execute("truncate intermediate.consumed_batches")
    assert f"({name} (gone))" in score("small").summary


def test_rows_of_the_test_months_change_no_more_than_the_predictions(task: Path) -> None:
    train("small")
    score("small")
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    scored = score("small")
    assert scored.rows == 600 and not scored.is_stale


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_an_altered_file_is_refused_before_it_is_unpickled(task: Path, tmp_path: Path) -> None:
    train("small")
    model_file(task).write_bytes(pickle.dumps(Bomb(tmp_path / "went-off")))
    with pytest.raises(ArtefactBroken, match="not the file that was saved"):
        load("small")
    assert not (tmp_path / "went-off").exists()


def test_one_flipped_byte_is_enough(task: Path) -> None:
    train("small")
    raw = bytearray(model_file(task).read_bytes())
    raw[len(raw) // 2] ^= 1
    model_file(task).write_bytes(raw)
    with pytest.raises(ArtefactBroken):
        score("small")


def test_a_manifest_that_cannot_be_read_is_told_with_what_to_do(task: Path) -> None:
    train("small")
    model_file(task).with_name("manifest.json").write_text("{")
    with pytest.raises(ArtefactBroken, match=r"manifest\.json is missing or cannot be read: .* `make train`"):
        score("small")


def test_other_versions_are_refused(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train("small")
    manifest = model_file(task).with_name("manifest.json")
    told = json.loads(manifest.read_text())
    told["versions"]["scikit-learn"] = "0.1"
    manifest.write_text(json.dumps(told))
    with pytest.raises(OtherVersions, match=r"scikit-learn 0\.1"):
        load("small")


def test_mistakes_are_told_in_one_line(task: Path) -> None:
    with pytest.raises(NoModel, match="make train"):
        score("small")
    with pytest.raises(TaskBroken, match="declared are small"):
        read_task("other")
    execute("truncate marts.rows")
    with pytest.raises(NothingToLearn, match="no labelled row"):
        train("small")
    execute("drop table marts.rows")
    with pytest.raises(NothingToLearn, match="make dbt"):
        train("small")
