"""A model knows its data (P7): a changed file or other versions are not loaded; changed rows make it stale."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.errors import ArtefactBroken, NoModel, NothingToLearn, OtherVersions, TaskBroken
from ml.registry.artefact import load
from ml.registry.model_bytes import sealed
from ml.registry.promotion import rollback
from ml.score import score
from ml.task import read_task
from ml.train import train
from tests.support.databases import rows
from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.task import TASK, execute
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables


def model_file(folder: Path) -> Path:
    return folder / (folder / "current").read_text().strip() / "model.joblib"


def test_a_model_is_trained_once_and_scores_every_row(task: Path) -> None:
    trained = train("small")
    assert trained.manifest["chosen"] == "logistic_regression"
    assert trained.manifest["metrics"]["roc_auc"] > 0.9
    assert trained.manifest["rows"] == {
        "all": 600, "unlabelled": 12, "learnt_from": trained.rows, "train": 289, "validation": 152, "test": 147
    }  # fmt: skip
    assert trained.manifest["class_balance"]["late"] == {"share": 0.4592, "train": 130, "validation": 65, "test": 75}
    curves = trained.manifest["curves"]
    assert (curves["roc"][0], curves["roc"][-1]) == ([0, 0], [1, 1])
    assert [x for x, _ in curves["precision_recall"]] == sorted(x for x, _ in curves["precision_recall"])
    assert sum(point[2] for point in curves["calibration"]) == trained.manifest["metrics"]["rows"]
    assert train("small").summary.startswith("nothing new")
    assert score("small").rows == 600
    assert rows("select count(*), count(distinct model_id), bool_or(is_stale) from predictions.small") == [
        (600, 1, False)
    ]
    assert score("small").rows == 0


def test_a_flipped_label_makes_it_stale_and_row_order_does_not(task: Path) -> None:
    train("small")
    execute("create temporary table shuffled as table marts.rows", "truncate marts.rows",
            "insert into marts.rows select * from shuffled order by md5(row_id)")  # fmt: skip
    assert not score("small").is_stale
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")
    scored = score("small")
    assert scored.is_stale and "STALE" in scored.summary
    assert rows("select bool_and(is_stale) from predictions.small") == [(True,)]


@pytest.mark.parametrize(
    "change",
    [
        "row_id = 'r7b'",
        "on_date = on_date + 1",
        "is_late = not is_late",
        "shop = 'XX'",
        "delay = coalesce(delay, 0) + 1",
    ],
)
def test_a_change_of_any_column_makes_it_stale(task: Path, change: str) -> None:
    train("small")
    execute(f"update marts.rows set {change} where row_id = 'r7'")
    assert score("small").is_stale


FIT_AND_SHOW_THREADS = """
import json, sys
import pandas, threadpoolctl
import ml.learning.fitting as fitting
from ml.learning.comparison import compare_candidates
from ml.task import Task

def show_threads(pipeline, rows):
    shown.append([pool["num_threads"] for pool in threadpoolctl.threadpool_info()])
    return predict(pipeline, rows)

shown = []
predict, fitting.predict_in_pieces = fitting.predict_in_pieces, show_threads
sets = [n // 40 for n in range(120)]
rows = pandas.DataFrame({"row_id": [str(n) for n in range(120)], "_set_of_split": sets, "_block": range(120), "shop": "NE",
                         "delay": range(120), "is_late": ["true", "false"] * 60})
compare_candidates(Task.model_validate_json(sys.argv[1]), rows)
print(*map(json.dumps, shown), sep="\\n")
"""


@pytest.mark.slow
def test_no_library_fits_with_more_threads_than_allowed() -> None:
    """Run in a separate process: a library that is already loaded would be limited anyway."""
    task = json.dumps({**TASK, "candidates": {"hist_gradient_boosting": {"max_iter": 2}}})
    shown = subprocess.run(
        [sys.executable, "-c", FIT_AND_SHOW_THREADS, task],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    threads = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(threads) == 5, shown.stderr  # dummy and boosting on two sets, the refitted one on test
    assert all(pools and set(pools) == {1} for pools in threads)


def land_and_process(outcome: str) -> str:
    """Land a batch of one order with this outcome, and mark it as processed by the table; return its name."""
    batch = land("orders", order())
    execute(
        f"insert into intermediate.processed_batches values ('rows', '{batch}')",
        f"insert into intermediate.document_outcomes values ('{batch}', '{outcome}')",
        f"update ledger.inputs set name = '{outcome}.ndjson' where input_id = '{batch}'",
    )
    return f"orders: {outcome}.ndjson"


def test_a_stale_model_names_the_batches_that_changed_its_rows(task: Path) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    land_and_process("superseded")
    train("small")
    land_and_process("duplicate")
    assert not score("small").is_stale
    corrected = land_and_process("current")
    withdrawn = land_and_process("filtered")
    execute("update marts.rows set delay = 99 where row_id = 'r8'", "delete from marts.rows where row_id = 'r9'")
    summary = score("small").summary
    assert f"STALE: its training rows have changed ({corrected}, {withdrawn}); train it again" in summary
    assert score("small").summary.startswith("nothing new") and f"({corrected}, {withdrawn})" in score("small").summary
    assert corrected in rows("select obj_description('predictions.small'::regclass)")[0][0]
    train("small")
    assert not score("small").is_stale


def test_nothing_new_is_said_without_reading_the_model(task: Path) -> None:
    train("small")
    score("small")
    code = (
        "import sys; from pathlib import Path; import ml.task; ml.task.TASKS = Path(sys.argv[1])\n"
        "from ml.score import score; from ml.train import train\n"
        "print(train('small').rows, score('small').rows, *{'sklearn', 'pandas', 'scipy'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code, ml.task.TASKS], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("0 0\n", "")


def test_a_removed_batch_and_an_edit_by_hand_are_distinguished(task: Path) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    name = land_and_process("current")
    train("small")
    execute("delete from marts.rows where row_id = 'r9'")
    assert "by no batch: the table was rebuilt differently or edited by hand" in score("small").summary
    execute("truncate intermediate.processed_batches", "delete from marts.rows where row_id = 'r10'")
    assert f"({name} (removed))" in score("small").summary


def test_changed_rows_of_test_months_only_change_predictions(task: Path) -> None:
    train("small")
    score("small")
    execute("update marts.rows set delay = 99 where row_id = 'r119'")
    scored = score("small")
    assert scored.rows == 600 and not scored.is_stale


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_changed_file_is_refused_before_it_is_unpickled(task: Path, tmp_path: Path) -> None:
    train("small")
    model_file(task).write_bytes(pickle.dumps(Bomb(tmp_path / "went-off")))
    with pytest.raises(ArtefactBroken, match="not the file that was saved"):
        load("small")
    assert not (tmp_path / "went-off").exists()


def test_one_flipped_byte_makes_the_model_broken(task: Path) -> None:
    train("small")
    raw = bytearray(model_file(task).read_bytes())
    raw[len(raw) // 2] ^= 1
    model_file(task).write_bytes(raw)
    with pytest.raises(ArtefactBroken):
        score("small")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_an_unreadable_manifest_is_reported_with_what_to_do(task: Path, content: str) -> None:
    train("small")
    train("small", force=True)
    model_file(task).with_name("manifest.json").write_text(content)
    advice = r"manifest\.json .*: train again with `.* train --task small --force`, or go back .* rollback small`"
    with pytest.raises(ArtefactBroken, match=advice):
        score("small")
    rollback("small")
    assert score("small").rows == 0


def test_training_replaces_a_model_whose_manifest_is_unreadable(task: Path) -> None:
    train("small")
    broken = model_file(task).with_name("manifest.json")
    broken.write_text("{")
    assert "; now the current model, not comparable with" in train("small").summary
    assert score("small").rows == 600
    assert broken.exists(), "nothing is deleted"


def test_only_what_a_model_depends_on_trains_it_again(task: Path) -> None:
    declaration = ml.task.TASKS / "small.yml"
    model_id = train("small").manifest["model_id"]
    words = {"description": "Late rows.", "limits": ["Few rows."], "unlabelled": "no time", "in_pipeline": False}
    declaration.write_text("# Another comment.\n" + yaml.safe_dump({**TASK, **words}))
    assert train("small").summary.startswith(f"nothing new: {model_id}")
    declaration.write_text(yaml.safe_dump({**TASK, "seed": TASK.get("seed", 0) + 1}))
    assert train("small").manifest["model_id"] != model_id


def test_an_older_manifest_knows_its_declaration_by_the_file(task: Path) -> None:
    model_id = train("small").manifest["model_id"]
    path = model_file(task).with_name("manifest.json")
    declaration = ml.task.TASKS / "small.yml"
    digest = hashlib.sha256(declaration.read_bytes()).hexdigest()
    path.write_text(json.dumps(sealed({**json.loads(path.read_text()), "task_digest": digest})))
    assert train("small").summary.startswith(f"nothing new: {model_id}")
    declaration.write_text(f"{declaration.read_text()}\n# Another comment.\n")
    assert train("small").manifest["model_id"] != model_id


@pytest.mark.parametrize("name", ["python", "scikit-learn", "numpy", "scipy", "pandas", "joblib"])
def test_a_model_of_other_library_versions_is_refused(task: Path, name: str) -> None:
    train("small")
    manifest = model_file(task).with_name("manifest.json")
    content = json.loads(manifest.read_text())
    content["versions"][name] = "0.1"
    manifest.write_text(json.dumps(content))
    with pytest.raises(OtherVersions, match=rf"{name} 0\.1"):
        load("small")


def test_mistakes_are_reported_in_one_line(task: Path) -> None:
    with pytest.raises(NoModel, match="train --task small"):
        score("small")
    with pytest.raises(TaskBroken, match="choose from small"):
        read_task("other")
    execute("truncate marts.rows")
    with pytest.raises(NothingToLearn, match="no labelled row"):
        train("small")
    execute("drop table marts.rows")
    with pytest.raises(NothingToLearn, match="no mart of this name"):
        train("small")
