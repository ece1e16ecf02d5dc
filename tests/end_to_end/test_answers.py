# waybill: sample
"""Answers by key on the sample: the features and probabilities of scoring, and the way back to the source bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from ml.api.data.answers import Answer, AnswerWriter
from ml.api.data.features import FeatureReader
from ml.api.models.served import ServedModel
from ml.predict import Model, load_model, predict
from ml.reading.frame import read_rows
from ml.task import read_task
from pipeline.tracing.answer import why_answer
from tests.end_to_end.conftest import DemoRun
from tests.support.databases import rows
from waybill.identifiers import uuid7

KEYS = "select flight_id from marts.flight_features order by md5(flight_id)"


@pytest.fixture
def with_models(demo: DemoRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the folder of the demo's models."""
    monkeypatch.setenv("WAYBILL_MODELS", str(demo.folder / "WAYBILL_MODELS" / "demo"))


@pytest.mark.parametrize("task", ["flight_delays", "flight_delays_small"])
def test_features_by_key_are_those_of_scoring(with_models: None, task: str) -> None:
    declared, keys = read_task(task).task, [key for (key,) in rows(KEYS)]
    reader = FeatureReader()
    found = reader.read_features(Model(declared, {"model_id": task}), [{"flight_id": key} for key in keys])
    reader.close()
    frame = read_rows(declared).set_index("flight_id").loc[keys]
    assert len(found) == len(frame) == 112
    for name in declared.features:
        values = [(one or {})[name] for one in found]
        if name in declared.categorical:
            assert values == [None if text != text else text for text in frame[name].tolist()], name
        else:
            np.testing.assert_array_equal(np.array(values, float).astype("float32"), frame[name].to_numpy(), name)


def test_an_answer_by_key_is_the_stored_prediction(with_models: None) -> None:
    model, reader, writer = load_model("flight_delays_small"), FeatureReader(), AnswerWriter()
    keys = [key for (key,) in rows(KEYS)]
    found = reader.read_features(model, [{"flight_id": key} for key in keys])
    probabilities = ServedModel(model).predict([one for one in found if one is not None])
    frame = read_rows(model.task).set_index("flight_id").loc[keys]
    np.testing.assert_array_equal(probabilities, predict(model, frame))
    stored = dict(rows("select flight_id, probability from predictions.flight_delays_small"))
    assert dict(zip(keys, probabilities.round(6).tolist(), strict=True)) == stored
    answer = Answer(uuid7(), datetime.now(UTC), {"flight_id": keys[0]}, found[0] or {}, probabilities[0].item(), False)
    writer.add("flight_delays_small", model.model_id, [answer])
    writer.close()
    reader.close()
    lines = why_answer(str(answer.prediction_id))
    assert f"marts.flight_features {keys[0]} has the same features today" in lines
    assert any(line.startswith("source bytes, fingerprint ") and " checked: {" in line for line in lines)
    assert any(line.startswith("prediction predictions.flight_delays_small: ") for line in lines)
