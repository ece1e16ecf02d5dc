"""Real backends: one that answers gets every event; one that is away, refuses or hangs changes nothing of the work."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import pipeline.openlineage.transport as transport
from ml.errors import TaskBroken
from pipeline.stage_process import StageProcess
from pipeline.stage_run import run_stage
from pipeline.stages import StageResult
from tests.support.declared.orders import declare_orders, order
from tests.support.lineage.events import events_sent, parsed, read_events
from waybill.__main__ import waybill
from waybill.identifiers import uuid7
from waybill.observing.work import current_listener, listen_with, observed, observed_run
from waybill.settings import get_settings

STARTS_AND_ENDS = [("pipeline.load", "START"), ("load.orders", "START"), ("load.orders", "COMPLETE"),
                   ("pipeline.load", "COMPLETE")]  # fmt: skip

REASONS = {
    "refuses": "=the backend answered 401",
    "breaks": "=the backend answered 500",
    "away": "=the backend refused the connection",
    "hangs": "=they were not sent within WAYBILL_OPENLINEAGE_SECONDS=0.5",
}
WRITE_MANY = """
import sys
from pipeline.openlineage.state_changes import Begun, StateChange
from pipeline.openlineage.transport import ClientTransport
from waybill.observing.work import Work
from waybill.settings import get_settings

transport = ClientTransport(get_settings())
for count in range(60):
    work = Work("stage", f"{sys.argv[1]}-{count}", {"path": "long" * 5000})
    transport.send(StateChange("START", Begun(work)))
"""


@pytest.fixture
def orders(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with one file to load, in its own folders."""
    declare_orders(tmp_path / "declared", monkeypatch)
    file = tmp_path / "raw" / "orders" / "orders.ndjson"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(json.dumps(order(number)) for number in range(5)))
    for name in ("raw", "reports"):
        monkeypatch.setenv(f"WAYBILL_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("WAYBILL_OPENLINEAGE", "true")
    return file


@contextmanager
def backend(status: int) -> Iterator[tuple[str, list[dict[str, Any]], list[str]]]:
    """Serve a backend on loopback; give its address, the events that it gets, and the keys that come with them."""
    events: list[dict[str, Any]] = []
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            keys.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", events, keys
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def names(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["job"]["name"], event["eventType"]) for event in events]


def test_a_backend_gets_the_events_and_the_key(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with backend(200) as (url, events, keys):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret-of-the-backend")
        with events_sent():
            assert run_stage("load").rows == 5
    assert names(events) == STARTS_AND_ENDS
    assert set(keys) == {"Bearer secret-of-the-backend"}
    assert all(parsed(event) for event in events)
    assert read_events() == [], "a backend replaces the file"


def test_the_file_gets_the_events_of_several_commands(orders: Path) -> None:
    file = get_settings().openlineage_file
    for _ in range(2):
        with events_sent():
            run_stage("load")
    assert names(read_events()) == STARTS_AND_ENDS * 2
    file.write_bytes(file.read_bytes() + b'{"cut off by a ki')
    with events_sent():
        run_stage("load")
    assert names(read_events()) == STARTS_AND_ENDS * 3


def test_a_stage_in_another_process_is_a_part_of_the_run(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_TASK", "nothing")
    run_id = uuid7()
    with events_sent(), observed_run("pipeline", run_id):
        process = StageProcess("train")
        with pytest.raises(TaskBroken):
            process.result()
        process.let_go()
        process.wait()
    events = {(event["job"]["name"], event["eventType"]): event for event in read_events()}
    assert list(events) == [
        ("pipeline", "START"),
        ("pipeline.train", "START"),
        ("train.nothing", "START"),
        ("train.nothing", "FAIL"),
        ("pipeline.train", "FAIL"),
        ("pipeline", "COMPLETE"),
    ]
    parent = events["pipeline.train", "FAIL"]["run"]["facets"]["parent"]
    assert [parent["run"]["runId"], parent["root"]["run"]["runId"]] == [str(run_id)] * 2


@pytest.mark.slow
def test_processes_that_write_at_once_keep_lines_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path))
    processes = [subprocess.Popen([sys.executable, "-c", WRITE_MANY, str(number)]) for number in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    written = [event["job"]["name"] for event in read_events()]
    assert sorted(written) == sorted(f"pipeline.{number}-{count}" for number in range(3) for count in range(60))


def test_an_interrupt_aborts_what_is_under_way(orders: Path) -> None:
    def interrupt() -> StageResult:
        with observed("export", "orders", file="orders.json"):
            raise KeyboardInterrupt

    with events_sent(), pytest.raises(KeyboardInterrupt):
        run_stage("export", work=interrupt)
    assert names(read_events()) == [
        ("pipeline.export", "START"),
        ("export.orders", "START"),
        ("export.orders", "ABORT"),
        ("pipeline.export", "ABORT"),
    ]


def test_a_single_command_sends_events_without_a_parent(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(waybill, ["load"])
    listen_with(None)
    assert done.exit_code == 0, done.output
    assert names(read_events()) == [("load.orders", "START"), ("load.orders", "COMPLETE")]
    assert all("parent" not in event["run"]["facets"] for event in read_events())


def test_a_long_file_is_put_aside(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    with events_sent():
        run_stage("load")
    file = get_settings().openlineage_file
    assert len(read_events()) == 1 and len(read_events(file.with_name(f"{file.name}.1"))) == 1


@pytest.mark.parametrize("kind", REASONS)
def test_a_backend_that_fails_does_not_fail_the_run(
    kind: str, orders: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret-of-the-backend")
    monkeypatch.setenv("WAYBILL_OPENLINEAGE_SECONDS", "0.5" if kind == "hangs" else "3")
    with (
        backend(500 if kind == "breaks" else 401) as (answering, _, _),
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        port = silent.getsockname()[1]
        if kind == "away":
            silent.close()
        monkeypatch.setenv(
            "OPENLINEAGE_URL", answering if kind in ("refuses", "breaks") else f"http://127.0.0.1:{port}"
        )
        with events_sent():
            result = run_stage("load")
    assert (result.rows, read_events()) == (5, [])
    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("4 of 4 OpenLineage events are lost, and the work is not affected reason=")
    assert warning.endswith(REASONS[kind])
    assert "secret" not in caplog.text


def test_a_listener_that_breaks_does_not_break_the_work(
    orders: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.openlineage.journal.Journal.begin", fail)
    with events_sent():
        assert current_listener() is not None
        assert run_stage("load").rows == 5
