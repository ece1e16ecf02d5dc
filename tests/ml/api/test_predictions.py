"""Predictions over HTTP: with features given or by key, each with its model and its own id, stored and counted."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import pytest
import yaml

import ml.task
from ml.predict import load_model, predict
from ml.reading.frame import read_rows
from ml.score import score
from ml.train import train
from tests.support.api.serving import Served, served
from tests.support.databases import rows
from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import execute
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables

PREDICTIONS = "/v1/tasks/small/predictions"
GIVEN = [{"shop": "NE", "delay": 3}, {"shop": None, "delay": None}, {"shop": "new", "delay": -1.5}]


def test_features_given_are_predicted_in_their_order(api: Served) -> None:
    together = api.client.post(PREDICTIONS, json={"features": GIVEN}).json()
    alone = [api.client.post(PREDICTIONS, json={"features": [row]}).json() for row in GIVEN]
    assert [one["key"] for one in together["predictions"]] == [None] * 3
    assert [one["probability"] for one in together["predictions"]] == pytest.approx(
        [answer["predictions"][0]["probability"] for answer in alone], abs=1e-12
    )
    ids = [one["prediction_id"] for answer in [together, *alone] for one in answer["predictions"]]
    assert len({UUID(one).version for one in ids}) == 1
    assert len(set(ids)) == 6


def test_keys_are_predicted_as_scoring_predicts_them(api: Served) -> None:
    model = load_model("small")
    frame = read_rows(model.task)
    expected = dict(zip(frame["row_id"].astype(str), predict(model, frame), strict=True))
    keys = list(reversed(expected))
    answer = api.client.post(PREDICTIONS, json={"keys": [{"row_id": key} for key in keys]}).json()
    assert (answer["task"], answer["model_id"]) == ("small", model.model_id)
    assert [one["key"]["row_id"] for one in answer["predictions"]] == keys
    found = [one["probability"] for one in answer["predictions"]]
    assert found == pytest.approx([expected[key] for key in keys], abs=1e-12)
    assert [one["is_predicted_positive"] for one in answer["predictions"]] == [
        probability >= model.threshold for probability in found
    ]


def test_each_answer_is_stored_under_its_id(api: Served) -> None:
    by_key = api.client.post(PREDICTIONS, json={"keys": [{"row_id": "r7"}]}).json()
    given = api.client.post(PREDICTIONS, json={"features": GIVEN[:1]}).json()
    answered = {one["prediction_id"]: one for answer in (by_key, given) for one in answer["predictions"]}
    stored = _wait_for_answers(list(answered))
    assert {
        str(prediction_id): (str(model_id), key, probability) for prediction_id, model_id, key, _, probability in stored
    } == {
        prediction_id: (by_key["model_id"], one["key"], one["probability"]) for prediction_id, one in answered.items()
    }
    features = {str(prediction_id): features for prediction_id, _, _, features, _ in stored}
    assert features[given["predictions"][0]["prediction_id"]] == GIVEN[0]


def _wait_for_answers(ids: list[str]) -> list[tuple[object, ...]]:
    statement = (
        "select prediction_id, model_id, key, features, probability from predictions.small_answers "
        "where prediction_id = any(%s::uuid[])"
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if rows("select to_regclass('predictions.small_answers')") != [(None,)]:
            found = rows(statement, ids)
            if len(found) == len(ids):
                return found
        time.sleep(0.1)
    raise AssertionError("the answers were not stored")


def test_staleness_follows_the_stored_check(task: Path) -> None:
    execute("grant select on marts.rows to waybill_api")
    ensure_raw_tables(connect("owner"), ["orders"])
    train("small")
    with served() as server:
        assert (_head(server)["is_stale"], _head(server)["changed_batches"]) == (False, [])
        batch_id = land("orders", order())
        execute(
            "update marts.rows set is_late = not is_late where row_id = 'r7'",
            f"insert into intermediate.processed_batches values ('rows', '{batch_id}')",
            f"insert into intermediate.document_outcomes values ('{batch_id}', 'current')",
        )
        _wait_until(server, is_stale=None)  # nobody has compared the rows since
        score("small")
        _wait_until(server, is_stale=True)
        assert _head(server)["changed_batches"] == ["orders: data/raw/orders.ndjson"]
        assert _head(server)["checked_at"].startswith("20")  # type: ignore[attr-defined]
        assert 'waybill_api_model_stale{task="small"} 1.0' in server.client.get("/metrics").text
        assert server.client.get("/v1/tasks").json()["tasks"][0]["is_stale"] is True


def _head(server: Served) -> dict[str, object]:
    answer: dict[str, object] = server.client.post(PREDICTIONS, json={"features": GIVEN[:1]}).json()
    return answer


def _wait_until(server: Served, *, is_stale: bool | None) -> None:
    deadline = time.monotonic() + 15
    while _head(server)["is_stale"] is not is_stale:
        assert time.monotonic() < deadline, _head(server)
        time.sleep(0.2)


def test_classes_and_keys_of_several_columns_are_answered(task: Path) -> None:
    make_orders()
    execute("grant select on marts.orders to waybill_api")
    (ml.task.TASKS / "channels.yml").write_text(yaml.safe_dump(CHANNELS))
    train("channels")
    model = load_model("channels")
    frame = read_rows(model.task)
    first = frame.iloc[0]
    key = {"order_id": int(first["order_id"]), "line": str(first["line"])}
    with served(WAYBILL_TASK="channels") as server:
        answer = server.client.post("/v1/tasks/channels/predictions", json={"keys": [key]})
        assert answer.status_code == 200, answer.text
        [prediction] = answer.json()["predictions"]
        assert prediction["key"] == key
        expected = dict(zip(model.classes, predict(model, frame)[0], strict=True))
        assert prediction["probabilities"] == pytest.approx(expected, abs=1e-12)
        assert prediction["predicted_label"] == max(expected, key=lambda label: expected[label])
        assert server.client.post(PREDICTIONS, json={"features": GIVEN}).status_code == 404
