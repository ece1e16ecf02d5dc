"""Bodies, headers and slow clients have limits, and what exceeds one gets an answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.api.serving import Served, served

PREDICTIONS = "/v1/tasks/small/predictions"
JSON = {"content-type": "application/json"}
ROW = b'{"shop": "NE", "delay": 3}'
HEAD = f"POST {PREDICTIONS} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def of_size(size: int) -> bytes:
    """Return a valid body of so many bytes."""
    return b'{"features": [%s]}' % ROW + b" " * (size - len(ROW) - 16)


def chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


@pytest.fixture(scope="module")
def strict(trained: object) -> Iterator[Served]:
    """Serve with small limits."""
    with served(WAYBILL_API_MAX_BYTES="2048", WAYBILL_API_MAX_ROWS="3") as server:
        yield server


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_may_have_just_so_many_bytes(api: Served, is_chunked: bool) -> None:
    for size, status in ((4 * 1024 * 1024, 200), (4 * 1024 * 1024 + 1, 413), (7 * 1024 * 1024, 413)):
        body = of_size(size)
        response = api.client.post(PREDICTIONS, content=chunks(body) if is_chunked else body, headers=JSON)
        assert response.status_code == status, size
    problem = response.json()
    assert problem["type"] == "urn:waybill:too-large"
    assert "more than 4,194,304 bytes (WAYBILL_API_MAX_BYTES)" in problem["detail"]


def test_the_limits_can_be_set(strict: Served) -> None:
    assert strict.client.post(PREDICTIONS, content=of_size(2048), headers=JSON).status_code == 200
    assert strict.client.post(PREDICTIONS, content=of_size(2049), headers=JSON).status_code == 413
    many = strict.client.post(PREDICTIONS, json={"features": [{"shop": "NE", "delay": 3}] * 4})
    assert many.status_code == 422
    assert many.json()["errors"] == [{"field": "features", "expected": "a list of 1 to 3 objects", "given": "more"}]
    assert strict.client.get("/openapi.json").json()["components"]["schemas"]["SmallRequest"]["properties"]["keys"][
        "maxItems"
    ] == 3  # fmt: skip


def test_an_endless_body_is_answered_before_its_end(api: Served) -> None:
    with connection_to(api) as sent:
        sent.sendall(f"{HEAD}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(128):  # 8 MiB are read
            sent.sendall(chunk)
        sent.sendall(b"1\r\n \r\n")  # the last byte that is: what stays unread makes the system drop the answer
        assert answer_of(sent).startswith("HTTP/1.1 413 ")


def test_a_large_body_that_is_announced_is_not_sent(api: Served) -> None:
    with connection_to(api) as sent:
        sent.sendall(f"{HEAD}content-length: 9000000000\r\nexpect: 100-continue\r\n\r\n".encode())
        assert answer_of(sent).startswith("HTTP/1.1 413 ")


def test_a_slow_body_gets_an_answer(api: Served) -> None:
    with connection_to(api) as sent:
        sent.sendall(f"{HEAD}content-length: 100\r\n\r\n{{".encode())
        began = time.monotonic()
        answer = answer_of(sent)
        assert answer.startswith("HTTP/1.1 408 ")
        assert "connection: close" in answer
        assert 1.5 < time.monotonic() - began < 10


@pytest.mark.parametrize("sent_first", [b"", b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-slow"])
def test_a_connection_without_a_request_is_closed(api: Served, sent_first: bytes) -> None:
    with connection_to(api) as sent:
        sent.sendall(sent_first)
        assert answer_of(sent) == ""


def test_slow_headers_of_a_later_request_end_the_connection(api: Served) -> None:
    with connection_to(api) as sent:
        sent.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = sent.recv(4096)
        while not answer.endswith(b"}"):  # head and body may come one after the other
            answer += sent.recv(4096)
        sent.sendall(b"GET /health/live HTTP/1.1\r\n")
        assert answer_of(sent) == ""


@pytest.mark.parametrize(
    "head",
    [
        b"GET /%s HTTP/1.1\r\nhost: localhost\r\n\r\n" % (b"a" * 40_000),
        b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-long: %s\r\n\r\n" % (b"a" * 40_000),
        b"GET /health/live HTTP/1.1\r\n" + b"x-many: a\r\n" * 6_000 + b"\r\n",
        b"no request at all\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_headers_that_are_too_large_or_wrong_are_refused(api: Served, head: bytes) -> None:
    with connection_to(api) as sent:
        sent.sendall(head)
        assert answer_of(sent).startswith("HTTP/1.1 400 ")
    assert api.client.get("/health/live").status_code == 200


def test_a_client_that_leaves_is_no_fault(api: Served) -> None:
    for body in (b"", b"{", b'{"features": [%s]}' % ROW):
        with connection_to(api) as sent:
            sent.sendall(f"{HEAD}content-length: 100\r\n\r\n".encode() + body)
    assert api.client.get("/health/live").status_code == 200


def connection_to(api: Served) -> socket.socket:
    host, _, port = api.address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answer_of(connection: socket.socket) -> str:
    """Return what the server sends until it closes the connection."""
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return received.decode()
        if not part:
            return received.decode()
        received += part
        if b"\r\n\r\n" in received and b"connection: close" not in received.lower():
            return received.decode()
