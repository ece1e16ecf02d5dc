"""Answers by key equal the batch for 10,000 rows: bit for bit from trees, within 1e-12 with a linear model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import ml.task
from ml.api.data.features import FeatureReader
from ml.api.models.served import TOLERANCE, ServedModel
from ml.learning import fitting
from ml.predict import Model, load_model, predict
from ml.reading.frame import read_rows
from ml.train import train
from tests.support.small.task import TASK, execute

ROWS, SINGLY = 10_000, 300
CANDIDATES: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 8, "min_samples_leaf": 5},
    "hist_gradient_boosting": {"max_iter": 20},
    "logistic_regression": {"max_iter": 60},
}
# Whole numbers beyond float32, decimals, booleans, an empty text, one with quotes, and missing values of each.
TABLE = """
create table marts.wide as
select n as row_id, date '2013-01-01' + n % 120 as on_date,
    case when n % 50 <> 0 then (n * 7) % 20 + n % 9 > 12 end as is_late,
    case n % 7 when 0 then null when 1 then '' when 2 then 'it''s "5", ü' else 'shop ' || n % 40 end as shop,
    case when n % 3 <> 0 then n % 2 = 0 end as is_open,
    nullif((n * 7) % 20 + n % 3, 0)::numeric(10, 3) / 7 as delay,
    case when n % 5 <> 0 then n::bigint * 123456789012 end as large,
    case when n % 4 <> 0 then sin(n) * power(10, n % 9 - 4) end as size
from generate_series(1, 10000) as n
"""


def trained(kind: str) -> Model:
    execute(TABLE, "grant select on marts.wide to waybill_trainer", "grant select on marts.wide to waybill_api")
    candidates = {name: found for name, found in CANDIDATES.items() if kind in (name, "blend")}
    if kind == "blend":
        candidates["blend"] = {"hist_gradient_boosting": 0.7, "logistic_regression": 0.3}
    columns = {"categorical": ["shop", "is_open"], "numeric": ["delay", "large", "size"]}
    declared = {**TASK, "table": "wide", **columns, "candidates": candidates}
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump(declared))
    train("small")
    return load_model("small")


@pytest.mark.parametrize("kind", [*CANDIDATES, "blend"])
def test_answers_by_key_equal_the_batch(task: Path, kind: str) -> None:
    model = trained(kind)
    frame = read_rows(model.task)
    expected = predict(model, frame)
    assert len(expected) == ROWS and len(np.unique(expected)) > 100
    one, reader = ServedModel(model), FeatureReader()
    assert one.is_prepared
    keys = [{"row_id": int(key)} for key in frame["row_id"]]
    read = [reader.read_features(model, keys[start : start + 1000]) for start in range(0, ROWS, 1000)]
    rows = [row for part in read for row in part if row is not None]
    assert len(rows) == ROWS
    for size, until in ((1, SINGLY), (100, ROWS), (1000, ROWS)):
        pieces = [one.predict(rows[start : start + size]) for start in range(0, until, size)]
        apart = np.abs(np.concatenate(pieces) - expected[:until]).max()
        is_linear = model.manifest["chosen"] in ("logistic_regression", "blend")
        assert apart <= TOLERANCE if is_linear else apart == 0, (size, apart)
    reader.close()


def test_an_older_model_also_predicts_in_double_precision(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "use_double_precision", lambda candidate: None)
    train("small")
    from ml.registry.artefact import load

    saved = load("small")[0]()
    assert saved["classifier"].coef_.dtype == "float32"
    loaded = load_model("small").pipeline["classifier"]
    assert loaded.coef_.dtype == "float64" and (loaded.coef_ == saved["classifier"].coef_).all()
