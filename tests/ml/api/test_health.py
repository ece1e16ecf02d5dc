"""What load balancers and Prometheus see, and what the API still answers while the database is away."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ml.predict import load_model
from tests.support.api.serving import Served, served
from tests.support.databases import current_server_paths
from warehouse import embedded

PREDICTIONS = "/v1/tasks/small/predictions"
GIVEN = {"features": [{"shop": "NE", "delay": 3}, {"shop": "SW", "delay": None}]}
AWAY = "the database does not answer now; requests with features are still answered"
BY_KEY = {"keys": [{"row_id": "r1"}]}


def metrics_of(server: Served) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return (name, values of labels) → value of every figure that is not of a histogram."""
    page = server.client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
        if "_bucket" not in sample.name
    }


def test_a_ready_server_names_its_models(api: Served) -> None:
    model_id = load_model("small").model_id
    assert api.client.get("/health/live").json() == {"status": "alive"}
    ready = api.client.get("/health/ready")
    assert ready.status_code == 200
    expected = {"status": "ready", "model_id": model_id, "erased_rows": 0, "reason": None}
    assert ready.json()["tasks"] == {"small": expected}
    assert metrics_of(api)["waybill_api_model_info", (model_id, "small")] == 1


def test_requests_and_predictions_are_counted_by_route(trained: Path) -> None:
    with served() as server:
        for path in ("/nope", "/secret/17", "/v1/tasks/other/model"):
            server.client.get(path)
        server.client.post(PREDICTIONS, json=GIVEN)
        server.client.post(PREDICTIONS, json={})
        server.client.request("PURGE", "/nope")
        route = "/v1/tasks/{task}/predictions"
        found = metrics_of(server)
        assert found["waybill_api_requests_total", ("POST", route, "200")] == 1
        assert found["waybill_api_requests_total", ("POST", route, "422")] == 1
        assert found["waybill_api_requests_total", ("GET", "other", "404")] == 2
        assert found["waybill_api_requests_total", ("other", "other", "404")] == 1
        assert found["waybill_api_requests_total", ("GET", "/v1/tasks/{task}/model", "404")] == 1
        assert found["waybill_api_predictions_total", ("small",)] == 2
        assert found["waybill_api_request_seconds_count", (route,)] == 2
        assert found["waybill_api_model_ready", ("small",)] == 1
        _wait_for(server, ("waybill_api_answers_written_total", ()), 2)
        assert metrics_of(server)["waybill_api_answers_lost_total", ()] == 0


def _wait_for(server: Served, name: tuple[str, tuple[str, ...]], value: float) -> None:
    deadline = time.monotonic() + 20
    while metrics_of(server)[name] != value:
        assert time.monotonic() < deadline, metrics_of(server)
        time.sleep(0.2)


def test_features_are_answered_while_the_database_is_away(trained: Path) -> None:
    """The server is stopped and started again under the API, which answers by key again without a restart."""
    with served(WAYBILL_LOG_LEVEL="ERROR") as server:  # below it, what stores answers says that it tries again
        assert server.client.post(PREDICTIONS, json=BY_KEY).status_code == 200
        paths = current_server_paths()
        embedded.stop(paths)
        try:
            away = server.client.post(PREDICTIONS, json=BY_KEY)
            assert (away.status_code, away.json()["type"]) == (503, "urn:waybill:database-away")
            assert away.headers["retry-after"] == "5"
            assert away.json()["detail"] == AWAY
            assert server.client.post(PREDICTIONS, json=GIVEN).status_code == 200
            assert server.client.get("/health/ready").status_code == 200
        finally:
            embedded.start(paths)
        assert server.client.post(PREDICTIONS, json=BY_KEY).status_code == 200
        _wait_for(server, ("waybill_api_answers_written_total", ()), 4)


def test_it_starts_while_the_database_is_away(trained: Path) -> None:
    """The types of the key are not known then, so any scalar is one."""
    with served(PGHOST="127.0.0.1", PGPORT="1", PGUSER="nobody") as server:
        answer = server.client.post(PREDICTIONS, json=GIVEN)
        assert answer.status_code == 200
        assert answer.json()["is_stale"] is None
        for key in ("r1", 17, True, 1.5):
            away = server.client.post(PREDICTIONS, json={"keys": [{"row_id": key}]})
            assert (away.status_code, away.headers["retry-after"]) == (503, "5"), key
            assert away.json()["detail"] == AWAY
        assert server.client.post(PREDICTIONS, json={"keys": [{"row_id": None}]}).status_code == 422
        assert server.client.get("/openapi.json").status_code == 200
        assert server.stop()[2].count("predictions: the database is away: task=small ") == 1  # the reason, once
