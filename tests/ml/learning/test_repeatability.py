"""The same rows give the same figures and the same bytes of the model; shuffled labels give nothing to learn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.train import train
from tests.support.small.task import TASK, execute

CANDIDATES = {
    "logistic_regression": {},
    "random_forest": {"n_estimators": 10, "min_samples_leaf": 5, "max_rows": 2000},
    "hist_gradient_boosting": {"max_iter": 20, "max_features": 0.5},
    "blend": {"hist_gradient_boosting": 3, "logistic_regression": 1},
}
FIGURES = (
    "metrics",
    "candidates",
    "differences",
    "slices",
    "importance",
    "curves",
    "threshold",
    "training_digest",
    "sha256",
)
TRAIN = """
import json, pathlib, sys
import ml.task
ml.task.TASKS = pathlib.Path(sys.argv[1])
from ml.registry.artefact import current_manifest
from ml.train import train
trained = train("repeated", force=True)
folder = pathlib.Path(sys.argv[2]) / "repeated" / trained.manifest["model_id"]
print(json.dumps(json.loads((folder / "manifest.json").read_text())))
"""


@pytest.fixture
def repeated(task: Path) -> Path:
    """Make a table of 6,000 orders that arrive in the order of their id, and a task on it; return the models' folder."""
    execute(
        "create table marts.orders as select 'o' || n as order_id, date '2024-01-01' + n % 180 as on_date,"
        " (hashint8(n) % 1000) / 1000.0 + (hashint8(n + 10000) % 1000) / 1000.0 + n % 7 * 0.1 > 0.3 as is_late,"
        " 's' || n % 7 as shop, 'c' || abs(hashint8(n)) % 900 as customer, (hashint8(n) % 1000)::float8 as delay,"
        " case when n % 9 > 0 then n % 24 end as hour from generate_series(1, 6000) as n",
        "grant select on marts.orders to waybill_trainer",
    )
    declared = {
        **{name: value for name, value in TASK.items() if name != "threshold"},
        "task": "repeated",
        "table": "orders",
        "key": "order_id",
        "split": {"time_column": "on_date", "validation_from": "2024-05-01", "test_from": "2024-06-01"},
        "categorical": ["shop", "customer"],
        "numeric": ["delay", "hour"],
        "cost": {"false_positive": 1, "false_negative": 2},
        "candidates": CANDIDATES,
    }
    (ml.task.TASKS / "repeated.yml").write_text(yaml.safe_dump(declared))
    return task.parent


def trained_elsewhere(models: Path, hash_seed: str) -> dict[str, Any]:
    """Train in another process, and return the figures and the hash of the model's file."""
    shown = subprocess.run(
        [sys.executable, "-c", TRAIN, str(ml.task.TASKS), str(models)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout.splitlines()[-1])
    for one in found["candidates"].values():
        one.pop("seconds")
    return {name: found[name] for name in FIGURES}


def test_another_process_and_order_give_the_same_bytes(repeated: Path) -> None:
    first = trained_elsewhere(repeated, "1")
    execute(
        "create temporary table shuffled as table marts.orders",
        "truncate marts.orders",
        "insert into marts.orders select * from shuffled order by md5(order_id)",
    )
    second = trained_elsewhere(repeated, "2")
    for name in FIGURES:
        assert first[name] == second[name], name
    assert first["metrics"]["roc_auc"] > 0.75


def test_shuffled_labels_cannot_be_predicted(repeated: Path) -> None:
    honest = train("repeated").manifest
    assert honest["metrics"]["intervals"]["roc_auc"][0] > 0.7
    execute(
        "create temporary table labels as select is_late, row_number() over (order by md5(order_id)) as number"
        " from marts.orders",
        "update marts.orders as orders set is_late = labels.is_late"
        " from (select order_id, row_number() over (order by order_id) as number from marts.orders) as numbers, labels"
        " where numbers.order_id = orders.order_id and labels.number = numbers.number",
    )
    shuffled = train("repeated").manifest
    found = {"refitted": shuffled["metrics"]}
    found |= {
        f"{name} {which}": one[which]
        for name, one in shuffled["candidates"].items()
        for which in ("validation", "test")
    }
    for name, figures in found.items():
        assert abs(figures["roc_auc"] - 0.5) < 0.08, name  # about 1,000 rows: four standard deviations
    low, high = shuffled["metrics"]["intervals"]["roc_auc"]
    assert low < 0.5 + 0.02 and high > 0.5 - 0.02
