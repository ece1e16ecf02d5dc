"""`waybill serve` starts with one line, and ends in order; what keeps it from starting is one line."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest

import ml.task
from tests.ml.api.test_limits import HEAD, ROW, answer_of, connection_to
from tests.support.api.serving import served, start
from tests.support.databases import rows

PREDICTIONS = "/v1/tasks/small/predictions"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_requests_and_their_answers(trained: Path, number: int) -> None:
    with served() as server:
        assert server.first_line == f"serving 1 task at {server.address}; documentation: {server.address}/docs\n"
        stored = len(server.client.post(PREDICTIONS, json={"features": [{"shop": "NE", "delay": 3}]}).text)
        with connection_to(server) as sent:
            body = b'{"features": [%s]}' % ROW
            sent.sendall(f"{HEAD}content-length: {len(body)}\r\n\r\n".encode() + body[:9])
            time.sleep(0.5)  # until the server has read the beginning, so that the request is in flight
            server.process.send_signal(number)
            _wait_until_closed(server.address)
            sent.sendall(body[9:])
            answer = answer_of(sent)
        assert stored
        assert answer.startswith("HTTP/1.1 200 ")
        out, err = server.process.communicate(timeout=30)
        assert (server.process.returncode, out, err) == (0, "stopped\n", "")
    prediction = answer.partition('"prediction_id":"')[2][:36]
    assert rows("select count(*) from predictions.small_answers where prediction_id = %s", prediction) == [(1,)]


def _wait_until_closed(address: str) -> None:
    """Wait until the server accepts no more connections."""
    host, _, port = address.removeprefix("http://").partition(":")
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))):
                return


def test_a_second_signal_ends_it_at_once(trained: Path) -> None:
    with served() as server, connection_to(server) as sent:
        sent.sendall(f"{HEAD}content-length: 100\r\n\r\n{{".encode())
        server.process.send_signal(signal.SIGINT)
        _wait_until_closed(server.address)
        code, _, err = server.stop(signal.SIGINT)
        assert (code, err) == (130, "interrupted: nothing half-done is left; run the same command again\n")


def test_a_port_that_is_taken_is_named(trained: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start("--port", port)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"error: cannot listen on 127.0.0.1:{port}: Address already in use; choose another")
    assert err.count("\n") == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 300])
def test_an_address_of_another_machine_is_named(trained: Path, host: str) -> None:
    process = start("--port", "0", "--host", host, WAYBILL_API_KEY="a-key-of-sufficient-length")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: cannot listen on {host}")


def test_without_tasks_it_starts_and_says_so(trained: Path, tmp_path: Path) -> None:
    with served(tasks=tmp_path) as server:
        assert server.process.stdout is not None
        assert server.process.stdout.readline().startswith("no task is declared: `")
        ready = server.client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json() == {"status": "not ready", "tasks": {}, "reason": "no task is declared in ml/tasks"}
        assert server.client.get("/v1/tasks").json() == {"tasks": []}
        assert server.client.get("/openapi.json").status_code == 200


def test_without_a_model_it_starts_and_says_so(trained: Path, tmp_path: Path) -> None:
    with served(WAYBILL_MODELS=str(tmp_path)) as server:
        assert server.first_line.startswith("serving 0 of 1 task at http://")
        assert server.process.stdout is not None
        assert server.process.stdout.readline().startswith("small is not served: no model for small: train one with `")
        ready = server.client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["tasks"]["small"]["reason"].startswith("there is no model for the task")
        refused = server.client.post(PREDICTIONS, json={"features": [{"shop": "NE", "delay": 3}]})
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:waybill:model-refused")


def test_a_task_that_is_not_declared_is_named(trained: Path) -> None:
    process = start("--port", "0", WAYBILL_TASK="smal")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: unknown task 'smal': choose from small")
    assert ml.task.task_names() == ["small"]
