"""A server that answers many clients exchanges its model: no request fails, and no answer is another model's."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import yaml

import ml.task
from ml.predict import load_model, predict
from ml.reading.frame import read_rows
from ml.registry.folders import task_folder
from ml.registry.model_bytes import MODEL
from ml.registry.promotion import promote, rollback
from ml.train import train
from tests.support.api.serving import served
from tests.support.small.task import TASK

PATH = "/v1/tasks/small/predictions"
CLIENTS, SWAPS = 16, 20
FEATURES = {"shop": "NE", "delay": 7.0}
SECONDS = 30  # until another model must answer


def trained(strength: float) -> str:
    """Train a model that differs from others by its regularisation, and return its id."""
    candidates = {"dummy": {}, "logistic_regression": {"C": strength}}
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": candidates}))
    return str(train("small").manifest["model_id"])


def expected(model_id: str) -> float:
    model = load_model("small", model_id)
    rows = read_rows(model.task)
    is_asked = (rows["shop"] == FEATURES["shop"]) & (rows["delay"] == FEATURES["delay"])
    return float(predict(model, rows[is_asked].head(1))[0])


def ask(client: httpx.Client) -> tuple[str, float]:
    response = client.post(PATH, json={"features": [FEATURES]})
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["model_id"], answer["predictions"][0]["probability"]


def wait_for(client: httpx.Client, model_id: str) -> None:
    until = time.monotonic() + SECONDS
    while ask(client)[0] != model_id:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_sixteen_clients_during_twenty_swaps(task: Path) -> None:
    first, second = trained(1.0), trained(0.001)
    promote("small", first)
    probabilities = {model_id: expected(model_id) for model_id in (first, second)}
    assert abs(probabilities[first] - probabilities[second]) > 0.01
    done = Event()
    with served() as server, ThreadPoolExecutor(CLIENTS) as clients:

        def ask_until_done() -> list[tuple[str, float]]:
            found = []
            with httpx.Client(base_url=server.address, timeout=30) as client:
                while not done.is_set():
                    found.append(ask(client))
                    time.sleep(0.01)
            return found

        asking = [clients.submit(ask_until_done) for _ in range(CLIENTS)]
        try:
            for number in range(SWAPS):
                if number % 4 == 3:
                    rollback("small")
                else:
                    promote("small", (second, first)[number % 2])
                wait_for(server.client, (second, first)[number % 2])
        finally:
            done.set()
        answers = [answer for one in asking for answer in one.result()]
    wrong = [answer for answer in answers if abs(answer[1] - probabilities[answer[0]]) > 1e-12]
    assert wrong == []
    assert {model_id for model_id, _ in answers} == {first, second}
    assert len(answers) > CLIENTS * SWAPS


def test_a_broken_current_model_is_refused_with_its_reason(task: Path) -> None:
    first, second = trained(1.0), trained(0.001)
    promote("small", first)
    path = task_folder("small") / second / MODEL
    path.write_bytes(path.read_bytes()[:-1])
    with served(WAYBILL_LOG_LEVEL="ERROR") as server:
        assert ask(server.client)[0] == first
        (task_folder("small") / "current").write_text(f"{second}\n")
        until = time.monotonic() + SECONDS
        while (response := post(server.client)).status_code == 200:
            assert response.json()["model_id"] == first
            assert time.monotonic() < until
            time.sleep(0.05)
        assert response.status_code == 503
        detail = "the current model of small is not usable; the operator finds the reason in the log"
        assert response.json()["detail"] == detail
        ready = server.client.get("/health/ready")
        assert ready.status_code == 503 and "file is not the one that was saved" in ready.text
        for shown in (ready.text, server.client.get("/v1/tasks").text, response.text):
            assert MODEL not in shown and "waybill rollback" not in shown and "/models/" not in shown
        (task_folder("small") / "current").write_text(f"{first}\n")
        while post(server.client).status_code != 200:
            assert time.monotonic() < until + SECONDS
            time.sleep(0.05)


def post(client: httpx.Client) -> Any:
    return client.post(PATH, json={"features": [FEATURES]})
