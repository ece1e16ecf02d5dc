"""A restored model whose file has changed, or that predicts something else than is stored, is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.registry.model_bytes import MODEL
from ml.score import score
from ml.train import train
from pipeline.backups.errors import RestoreDiffers
from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.predictions import check_models
from pipeline.backups.restoring.restore import Request, Restored, restore_backup
from tests.ml.conftest import task  # noqa: F401
from tests.support.databases import fresh_database
from tests.support.small.task import execute

COMPLETE = "alter table intermediate.document_outcomes add source text, add _position bigint"  # as dbt makes it
OTHER_PREDICTION = "update predictions.small_by_model set probability = 1 - probability / 2 where row_id = 'r1'"


@pytest.fixture
def model(task: Path) -> Path:  # noqa: F811
    """Train the small task and store its predictions; return the file of its model."""
    model_id = str(train("small").manifest["model_id"])
    score("small")
    execute(COMPLETE)
    return task / model_id / MODEL


def restored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Restored:
    """Back up the warehouse and restore it into another database and another folder of models."""
    backup = back_up(folder / "backups").folder
    assert backup is not None
    with fresh_database("restored"):
        monkeypatch.setenv("WAYBILL_MODELS", str(folder / "other"))
        return restore_backup(Request(backup, None, "leave"))


def test_a_changed_model_file_is_refused(model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(RestoreDiffers, match=r"the model of small: \S+/model\.joblib "):
        list(check_models())


def test_a_restore_makes_predictions_again(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = restored(tmp_path, monkeypatch)
    assert result.checked[-1] == "model small: unchanged; 100 predictions made again, equal"


def test_a_restore_with_another_prediction_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(OTHER_PREDICTION)
    with pytest.raises(RestoreDiffers, match="small predicts something else for 1 row of 100 than the backup holds"):
        restored(tmp_path, monkeypatch)
