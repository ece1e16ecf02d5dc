"""The API key: required beyond loopback, asked for in every request but one, and never shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from tests.support.api.serving import Served, served, start
from waybill.settings import PROJECT

KEY = "a-key-of-sufficient-length"
PATHS = ["/v1/tasks", "/v1/tasks/small/model", "/health/ready", "/metrics", "/docs", "/openapi.json", "/nothing"]


@pytest.fixture(scope="module")
def locked(trained: object) -> Iterator[Served]:
    """Serve with a key."""
    with served(WAYBILL_API_KEY=KEY) as server:
        yield server


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("path", PATHS)
def test_no_page_is_shown_without_the_key(locked: Served, path: str) -> None:
    response = locked.client.get(path)
    assert response.status_code == 401
    assert response.json()["type"] == "urn:waybill:no-key"
    assert response.headers["www-authenticate"] == 'Bearer realm="waybill", Basic realm="waybill"'
    assert KEY not in response.text
    with_key = locked.client.get(path, headers={"x-api-key": KEY})
    assert with_key.status_code == (404 if path == "/nothing" else 200)


def test_only_liveness_needs_no_key(locked: Served) -> None:
    assert locked.client.get("/health/live").json() == {"status": "alive"}
    assert locked.client.get("/health/live/").status_code == 401
    assert locked.client.post("/v1/tasks/small/predictions", json={}).status_code == 401


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("x-api-key", KEY, 200),
        ("authorization", f"Bearer {KEY}", 200),
        ("authorization", f"bearer  {KEY}", 200),
        ("authorization", basic("any", KEY), 200),
        ("x-api-key", "", 401),
        ("x-api-key", KEY[:-1], 401),
        ("x-api-key", f"{KEY}a", 401),
        ("x-api-key", f"Bearer {KEY}", 401),
        ("authorization", KEY, 401),
        ("authorization", "Bearer", 401),
        ("authorization", basic(KEY, ""), 401),
        ("authorization", "Basic ####", 401),
        ("authorization", "Basic", 401),
        ("x-api-key", b"\xff\xfe", 401),
    ],
)
def test_only_the_key_itself_is_accepted(locked: Served, name: str, value: str | bytes, status: int) -> None:
    raw = value if isinstance(value, bytes) else value.encode()
    assert locked.client.get("/v1/tasks", headers=[(name.encode(), raw)]).status_code == status


def test_the_openapi_document_names_the_key(locked: Served, api: Served) -> None:
    document = locked.client.get("/openapi.json", headers={"x-api-key": KEY}).json()
    assert set(document["components"]["securitySchemes"]) == {"key", "bearer"}
    assert "401" in document["paths"]["/v1/tasks"]["get"]["responses"]
    without = api.client.get("/openapi.json").json()
    assert "securitySchemes" not in without["components"]
    assert "401" not in without["paths"]["/v1/tasks"]["get"]["responses"]


def test_the_openapi_document_says_who_is_turned_away(locked: Served, api: Served) -> None:
    headers = {"x-api-key": KEY}
    for server, named in ((locked, {"401"}), (api, {"421"})):
        paths = server.client.get("/openapi.json", headers=headers).json()["paths"]
        answers = {path: set(method["responses"]) for path, methods in paths.items() for method in methods.values()}
        open_to_all = answers.pop("/health/live")
        assert {path for path, found in answers.items() if found & {"401", "421"} != named} == set()
        assert open_to_all == {"200"} | (named - {"401"})


def test_the_openapi_document_and_the_manual_name_the_same(locked: Served, api: Served) -> None:
    of_pages = {"405", "500"}  # another method than a page's own, and a fault: of no operation
    manual = set(re.findall(r"^\| (\d{3}) \|", (PROJECT / "docs" / "serving.md").read_text(), re.M))
    documents = [server.client.get("/openapi.json", headers={"x-api-key": KEY}).json() for server in (locked, api)]
    methods = [method for document in documents for path in document["paths"].values() for method in path.values()]
    assert {status for method in methods for status in method["responses"]} - {"200"} == manual - of_pages


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_beyond_loopback_a_key_is_required(trained: object, host: str) -> None:
    out, err = start("--port", "0", "--host", host).communicate(timeout=60)
    assert out == ""
    assert f"error: other machines could reach {host}, so WAYBILL_API_KEY must be set" in err
    with served("--host", host, WAYBILL_API_KEY=KEY) as server:
        assert server.first_line.startswith("serving 1 task at http://")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_loopback_needs_no_key(trained: object, host: str) -> None:
    with served("--host", host) as server:
        assert server.client.get("/v1/tasks").status_code == 200


def test_a_short_key_is_refused_and_not_shown(trained: object) -> None:
    process = start("--port", "0", WAYBILL_API_KEY="short-key")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "WAYBILL_API_KEY must have at least 16 characters" in err
    assert "short-key" not in err


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8500", "127.0.0.1", "127.1.2.3:1", "[::1]", "[::1]:8500"])
def test_without_a_key_this_machine_may_be_named(api: Served, host: str) -> None:
    assert api.client.get("/v1/tasks", headers={"host": host}).status_code == 200


OTHERS = [
    "x",
    "evil.example:8500",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "192.0.2.1",
    "[2001:db8::1]",
    "",
]


@pytest.mark.parametrize("host", OTHERS)
def test_without_a_key_no_other_host_is_answered(api: Served, locked: Served, host: str) -> None:
    """A web page that has given its own name the address 127.0.0.1 sends that name."""
    for path in ("/v1/tasks", "/health/live", "/docs"):
        response = api.client.get(path, headers={"host": host})
        assert (response.status_code, response.json()["type"]) == (421, "urn:waybill:other-host")
    assert locked.client.get("/v1/tasks", headers={"host": host, "x-api-key": KEY}).status_code == 200
