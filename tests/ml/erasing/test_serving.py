"""A server continues to answer while rows are erased, refuses a refused model, and answers again with a new one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx

from ml.train import train
from tests.ml.erasing.conftest import Erase
from tests.support.api.serving import served
from tests.support.small.task import execute

PATH = "/v1/tasks/small/predictions"
FEATURES = {"features": [{"shop": "SW", "delay": 7.0}]}
SECONDS = 30
CLIENTS = 4


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def status(client: httpx.Client, body: object = FEATURES) -> int:
    return client.post(PATH, json=body).status_code


def ready(client: httpx.Client) -> dict[str, object]:
    found: dict[str, object] = client.get("/health/ready").json()["tasks"]["small"]
    return found


def test_no_request_fails_while_a_kept_model_is_rewritten(task: Path, erase: Erase) -> None:
    execute(
        "grant select on marts.rows to waybill_api",
        "update marts.rows set shop = 'shop ' || row_id where row_id in ('r1', 'r2', 'r3', 'r4', 'r5')",
    )
    model_id = train("small").manifest["model_id"]
    is_over = Event()
    with served() as api, ThreadPoolExecutor(CLIENTS) as clients:

        def ask() -> set[int]:
            found = set()
            with httpx.Client(base_url=api.address, timeout=SECONDS) as client:
                while not is_over.is_set():
                    found.add(status(client))
            return found

        asked = [clients.submit(ask) for _ in range(CLIENTS)]
        try:
            for number in range(1, 6):
                erase(f"row_id = 'r{number}'")
                wait_for(lambda rows=number: ready(api.client).get("erased_rows") == rows)  # type: ignore[misc]
        finally:
            is_over.set()
        assert [one.result() for one in asked] == [{200}] * CLIENTS
        (described,) = api.client.get("/v1/tasks").json()["tasks"]
        assert (described["model_id"], described["erased_rows"], described["status"]) == (model_id, 5, "ready")
        assert len(api.client.get("/v1/tasks/small/model").json()["erased"]) == 5
        assert api.client.post(PATH, json={"keys": [{"row_id": "r1"}]}).status_code == 404


def test_a_refused_model_answers_503_until_there_is_a_new_one(task: Path, erase: Erase) -> None:
    train("small")
    with served() as api:
        assert status(api.client) == 200
        erase("row_id = 'r1'", "refuse")
        wait_for(lambda: status(api.client) == 503)
        problem = api.client.post(PATH, json=FEATURES).json()
        assert problem["type"] == "urn:waybill:model-refused"
        refusal = ready(api.client)
        assert refusal["status"] == "refused"
        assert str(refusal["reason"]).startswith("the model learnt from rows that were erased since; ")
        new = train("small").manifest["model_id"]
        wait_for(lambda: status(api.client) == 200)
        assert ready(api.client)["model_id"] == new
        code, _, err = api.stop()
        assert code == 0 and "so it is refused: train a new one with" in err


def test_a_server_starts_with_a_refused_model(task: Path, erase: Erase) -> None:
    train("small")
    erase("row_id = 'r1'", "refuse")
    with served() as api:
        assert status(api.client) == 503
        train("small")
        wait_for(lambda: status(api.client) == 200)
        api.stop()
