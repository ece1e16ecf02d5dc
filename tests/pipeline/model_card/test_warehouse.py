"""The model card shows drift, realised figures and the registry beside what the manifest says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.registry.artefact import save
from ml.registry.folders import task_folder
from ml.registry.model_bytes import versions
from ml.registry.verdict import Verdict, write_verdict
from tests.pipeline.model_card.manifests import BINARY
from tests.pipeline.model_card.test_page import text_of
from tests.support.small.task import execute

Write = Callable[..., Path]
MODEL = BINARY["model_id"]
DRIFT = f"""
    insert into predictions.model_drift
        (task, model_id, kind, name, measured_at, scored_at, rows, psi, missing_share, new_share, size_ratio, limits, alarms)
    values
        ('returns', '{MODEL}', 'number', 'price', '2024-06-01 06:00Z', now(), 400, .41, .01, null, 2.5, '{{}}', '{{"PSI 0.410 (limit 0.1)"}}'),
        ('returns', '{MODEL}', 'category', 'shop', '2024-06-01 06:00Z', now(), 400, .01, 0, 0, null, '{{}}', '{{}}'),
        ('returns', '{MODEL}', 'score', 'probability', '2024-06-01 06:00Z', now(), 400, .02, 0, null, 1, '{{}}', '{{}}')
"""
REALISED = f"""
    insert into predictions.realised_figures (task, model_id, month, is_predicted, rows, metrics) values
        ('returns', '{MODEL}', '2024-05-01', true, 300, '{{"roc_auc": 0.77, "intervals": {{"roc_auc": [0.7, 0.84]}}}}'),
        ('returns', '{MODEL}', '2024-04-01', false, 200, '{{"roc_auc": 0.75}}')
"""


def test_drift_and_realised_figures_are_shown(write_cards: Write) -> None:
    execute("delete from predictions.model_drift")
    folder = write_cards(BINARY)
    nothing = "Drift has not been measured yet. No prediction has been compared with a label that came later."
    assert nothing in text_of(folder)
    execute(DRIFT, REALISED)
    text = text_of(write_cards())
    assert "400 rows since training, measured 2024-06-01 06:00 UTC. 1 of 3 columns differs more than" in text
    assert "price: PSI 0.410 (limit 0.1)" in text
    assert "price 0.41 0.01 – 2.5 drifted probability (score) 0.02 0 – 1 as before shop 0.01 0 0 – as before" in text
    assert "2024-04 200 after 0.7500 2024-05 300 before 0.7700 0.700 to 0.840" in text


def test_without_an_alarm_no_column_has_drifted(write_cards: Write) -> None:
    folder = write_cards(BINARY)
    execute("delete from predictions.model_drift", DRIFT, "update predictions.model_drift set alarms = '{}'")
    write_cards()
    assert "No column differs more than parts of the training rows do from each other." in text_of(folder)


def test_models_are_side_by_side_with_their_verdicts(write_cards: Write) -> None:
    first = {**BINARY, "task_digest": "t", "versions": versions()}
    write_cards(first)
    other: dict[str, Any] = {**first, "model_id": MODEL[:-1] + "9", "chosen": "random_forest"}
    save("returns", None, other)
    worse = Verdict(
        MODEL, other["model_id"], "worse", rows=2000, value=0.77, other=0.78, difference=-0.01, low=-0.02, high=-0.004
    )
    write_verdict(worse, task_folder("returns") / MODEL)
    (task_folder("returns") / "broken").mkdir()
    text = text_of(write_cards())
    assert f"{other['model_id']} random_forest, 2024-05-01 06:00 UTC current 0.7800" in text
    assert f"{MODEL} hist_gradient_boosting, 2024-05-01 06:00 UTC challenger 0.7800" in text
    assert f"{MODEL} worse than {other['model_id']}: ROC AUC 0.7700 against 0.7800" in text
    assert "broken has no manifest.json that can be read – –" in text
