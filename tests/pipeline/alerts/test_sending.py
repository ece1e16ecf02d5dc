"""What receivers get: only news, exactly once, whatever the webhook or the command does meanwhile."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from pipeline.alerts import receivers
from pipeline.alerts.alert import Alert, Found
from pipeline.alerts.command import check
from pipeline.alerts.memory import memory_path
from pipeline.alerts.sending import send
from tests.pipeline.alerts.conftest import stage
from tests.support.small.task import execute
from waybill.settings import get_settings

LAG = Alert("consumer_lag", "source", "orders", "5 messages wait", "waybill consume orders", cause="lag")
STALE = Alert("model_stale", "task", "small", "rows have changed", "waybill train", batch_id="b-1", cause="b-1")
TOKEN = "hush-hush"  # noqa: S105


class Webhook:
    """A real server on loopback: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.types: list[str | None] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.answers, self.drips = Event(), False
        self.answers.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{TOKEN}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                hook.types.append(self.headers["Content-Type"])
                while hook.drips and not hook.answers.is_set():
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n" if hook.drips is True else b"x")
                    hook.answers.wait(0.2)
                hook.answers.wait(60)
                self.send_response(hook.status)
                for name, value in hook.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def do_GET(self) -> None:
                hook.got.append({"GET": self.path})
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Print nothing."""

        return Handler


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    hook = Webhook()
    monkeypatch.setenv("WAYBILL_ALERT_URL", hook.url)
    yield hook
    hook.answers.set()
    hook.server.shutdown()
    hook.server.server_close()


@pytest.fixture(autouse=True)
def memory() -> Iterator[Path]:
    path = memory_path(get_settings())
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def news(message: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return the rules in a message: of new, changed and resolved alerts."""
    new, changed, resolved = ([one["rule"] for one in message[name]] for name in ("new", "changed", "resolved"))
    return new, changed, resolved


def test_a_webhook_gets_exactly_this_document(webhook: Webhook) -> None:
    send(Found([STALE, LAG]))
    [message] = webhook.got
    as_json = {
        "rule": "model_stale", "kind": "task", "name": "small", "message": "rows have changed", "batch_id": "b-1",
        "since": None, "command": "waybill train",
    }  # fmt: skip
    assert message.pop("checked_at")
    assert message == {
        "text": "NEW model_stale small: rows have changed: waybill train\n"
        "NEW consumer_lag orders: 5 messages wait: waybill consume orders",
        "database": get_settings().pgdatabase,
        "new": [as_json, LAG.as_json()],
        "changed": [],
        "resolved": [],
        "open": [as_json, LAG.as_json()],
    }
    assert webhook.types == ["application/json"]


def test_an_alert_that_lasts_is_sent_once(webhook: Webhook) -> None:
    send(Found([LAG]))
    send(Found([replace(LAG, message="9 messages wait")]))
    send(Found([LAG, STALE]))
    send(Found([LAG, replace(STALE, cause="b-2", batch_id="b-2")]))
    send(Found([LAG]))
    send(Found())
    send(Found())
    assert [news(message) for message in webhook.got] == [
        (["consumer_lag"], [], []),
        (["model_stale"], [], []),
        ([], ["model_stale"], []),
        ([], [], ["model_stale"]),
        ([], [], ["consumer_lag"]),
    ]
    assert webhook.got[3]["resolved"][0]["batch_id"] == "b-2" and "cause" not in webhook.got[3]["resolved"][0]


def test_an_alert_is_not_resolved_while_nobody_can_know(webhook: Webhook) -> None:
    send(Found([LAG]))
    send(Found([], {"consumer_lag": "the broker does not answer"}))
    assert len(webhook.got) == 1
    send(Found([LAG]))
    assert len(webhook.got) == 1
    send(Found([]))
    assert news(webhook.got[1]) == ([], [], ["consumer_lag"])


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (500, {}, "it answered 500 Internal Server Error"),
        (404, {}, "it answered 404 Not Found"),
        (302, {"Location": "/elsewhere"}, "it answered 302 Found"),
    ],
)
def test_a_refusal_is_one_warning_and_repeated_later(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, status: int, headers: dict[str, str], words: str
) -> None:
    webhook.status, webhook.headers = status, headers
    send(Found([LAG]))
    [warning] = caplog.messages
    assert warning.endswith(f"the webhook at 127.0.0.1 (WAYBILL_ALERT_URL): {words}")
    assert TOKEN not in caplog.text
    webhook.status, webhook.headers = 204, {}
    send(Found([LAG]))
    send(Found([LAG]))
    assert [news(message) for message in webhook.got] == 2 * [(["consumer_lag"], [], [])]


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_hanging_webhook_is_given_up(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, drips: bool
) -> None:
    monkeypatch.setattr(receivers, "POST_SECONDS", 1.0)
    webhook.answers.clear()
    webhook.drips = drips
    started = time.monotonic()
    send(Found([LAG]))
    assert time.monotonic() - started < 3
    assert [message.partition("URL): ")[2] for message in caplog.messages] == ["no answer within 1 s"]


def test_a_webhook_that_is_away_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAYBILL_ALERT_URL", f"http://127.0.0.1:9/{TOKEN}")
    send(Found([LAG]))
    [warning] = caplog.messages
    assert warning.endswith("the webhook at 127.0.0.1 (WAYBILL_ALERT_URL): Connection refused")


def taking(path: Path, code: int = 0) -> str:
    """Return a command that appends what it gets to a file."""
    script = f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read() + '\\n'); sys.exit({code})"
    return shlex.join([sys.executable, "-c", script])


def test_a_command_gets_the_document_on_standard_input(
    tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_ALERT_COMMAND", taking(tmp_path / "got"))
    send(Found([LAG]))
    message = json.loads((tmp_path / "got").read_text())
    assert news(message) == (["consumer_lag"], [], [])
    assert {**message, "checked_at": ""} == {**webhook.got[0], "checked_at": ""}


def test_each_receiver_is_remembered_by_itself(
    tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_ALERT_COMMAND", taking(tmp_path / "got"))
    webhook.status = 500
    send(Found([LAG]))
    webhook.status = 200
    send(Found([LAG]))
    assert len((tmp_path / "got").read_text().splitlines()) == 1
    assert len(webhook.got) == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program --here", "cannot be run: No such file or directory"),
        ("'unbalanced", "cannot be run: No closing quotation"),
        ("false", "ended with exit code 1"),
        (shlex.join(["sh", "-c", "sleep 60 & sleep 60"]), "did not end within 1 s and was killed"),
    ],
    ids=["missing", "unbalanced", "failing", "hanging"],
)
def test_a_command_that_fails_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, command: str, words: str
) -> None:
    monkeypatch.setattr(receivers, "COMMAND_SECONDS", 1.0)
    monkeypatch.setenv("WAYBILL_ALERT_COMMAND", command)
    started = time.monotonic()
    send(Found([LAG]))
    assert time.monotonic() - started < 5
    [warning] = caplog.messages
    assert warning.endswith(f"the command of WAYBILL_ALERT_COMMAND {words}")


def test_without_a_receiver_nothing_is_written(memory: Path) -> None:
    send(Found([LAG]))
    assert not memory.exists()


def test_a_new_receiver_hears_of_all_open_alerts(
    tmp_path: Path, webhook: Webhook, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new"):
        monkeypatch.setenv("WAYBILL_ALERT_URL", f"{webhook.url}/{name}")
        monkeypatch.setenv("WAYBILL_ALERT_COMMAND", taking(tmp_path / name))
        send(Found([LAG]))
        send(Found([LAG]))
    assert [news(message) for message in webhook.got] == 2 * [(["consumer_lag"], [], [])]
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("old", "new")] == [1, 1]
    assert TOKEN not in memory.read_text()


def test_a_broken_memory_sends_all_again(webhook: Webhook, memory: Path) -> None:
    [name] = receivers.receivers(get_settings())
    for content in ("", "[]", f'{{"{name}": 3}}', f'{{"{name}": {{"x": 1}}}}'):
        memory.write_text(content)
        send(Found([LAG]))
    assert [news(message) for message in webhook.got] == 4 * [(["consumer_lag"], [], [])]


def test_two_checks_at_once_send_an_alert_once(quiet: UUID, webhook: Webhook) -> None:
    execute(stage("load", ago="1 minute", outcome="failed"))
    command = [sys.executable, "-m", "pipeline.alerts.command", "--json"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) for _ in range(3)]
    outputs = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert [process.returncode for process in started] == [3, 3, 3]
    assert all("run_failed" in [one["rule"] for one in output["alerts"]] for output in outputs)
    sent = [(one["rule"], one["name"]) for message in webhook.got for one in message["new"]]
    assert sorted(sent) == sorted(set(sent)) and ("run_failed", "load") in sent


def test_the_command_says_the_same_as_text_and_as_json(quiet: UUID) -> None:
    runner = CliRunner()
    clean = runner.invoke(check, [])
    assert (clean.exit_code, clean.output.splitlines()[-1]) == (0, "nothing needs attention")
    assert json.loads(runner.invoke(check, ["--json"]).output)["alerts"] == []
    execute(stage("load", ago="1 minute", outcome="failed"))
    text, as_json = runner.invoke(check, []), runner.invoke(check, ["--json"])
    assert (text.exit_code, as_json.exit_code) == (3, 3)
    [alert] = json.loads(as_json.output)["alerts"]
    assert text.output.startswith(f"ALERT run_failed load: {alert['message']}: `{alert['command']}`\n")


def test_a_delivery_that_fails_changes_no_exit_code(quiet: UUID, webhook: Webhook) -> None:
    webhook.status = 500
    assert CliRunner().invoke(check, []).exit_code == 0
    execute(stage("load", ago="1 minute", outcome="failed"))
    assert CliRunner().invoke(check, []).exit_code == 3
    assert len(webhook.got) == 1
