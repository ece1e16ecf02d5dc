"""A request that is wrong gets problem details that name what is wrong, and never an error of the server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api.serving import Served

PREDICTIONS = "/v1/tasks/small/predictions"
JSON = {"content-type": "application/json"}
ROW = '{"shop": "NE", "delay": 3}'


def post(api: Served, body: str | bytes, **headers: str) -> Any:
    content = body.encode() if isinstance(body, str) else body
    response = api.client.post(PREDICTIONS, content=content, headers={**JSON, **headers})
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == response.status_code
    assert set(problem) >= {"type", "title", "detail"}
    return problem


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[" * 100_000, "\ufeff{}", "nul", '{"features": [{"shop": "NE", "delay": NaN}]}',
        '{"features": [{"shop": "NE", "delay": -Infinity}]}', '{"features": [{"shop": "NE", "delay": 1e999}]}',
        f'{{"features": [{{"shop": "NE", "delay": {"9" * 400}}}]}}', '{"features": [{"shop": "\\ud800", "delay": 1}]}',
        b'{"features": [{"shop": "\xff", "delay": 1}]}', '{"features": []'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(api: Served, body: str | bytes) -> None:
    problem = post(api, body)
    assert (problem["status"], problem["type"]) == (400, "urn:waybill:not-json")


@pytest.mark.parametrize(
    ("row", "field", "expected", "given"),
    [
        ('{"shop": "NE"}', "delay", "a number within ±3.4e38, or null", "nothing"),
        ('{"shop": 1, "delay": 1}', "shop", "a text without NUL, or null", "1"),
        ('{"shop": "a\\u0000b", "delay": 1}', "shop", "a text without NUL, or null", '"a\\u0000b"'),
        ('{"shop": "NE", "delay": "3"}', "delay", "a number within ±3.4e38, or null", '"3"'),
        ('{"shop": "NE", "delay": true}', "delay", "a number within ±3.4e38, or null", "true"),
        ('{"shop": "NE", "delay": 3.5e38}', "delay", "a number within ±3.4e38, or null", "3.5e+38"),
        ('{"shop": "NE", "delay": [[]]}', "delay", "a number within ±3.4e38, or null", "[[]]"),
        ('{"shop": "NE", "delay": 1, "dely": 1}', "dely", "delay", "an unknown member"),
        ('{"shop": "NE", "delay": 1, "": 1}', "", "one of shop, delay", "an unknown member"),
        ("3", "features", "an object", "3"),
    ],
)
def test_a_wrong_row_names_field_and_expectation(api: Served, row: str, field: str, expected: str, given: str) -> None:
    problem = post(api, f'{{"features": [{ROW}, {row}]}}')
    assert problem["status"] == 422
    assert problem["errors"] == [{"row": 1, "field": field, "expected": expected, "given": given}]
    assert problem["detail"] == f"row 1, {field}: expected {expected}, given {given}"


@pytest.mark.parametrize(
    ("body", "field", "given"),
    [
        ("{}", "the body", "neither"),
        ("[]", "the body", "[]"),
        ("null", "the body", "null"),
        (f'{{"features": [{ROW}], "keys": [{{"row_id": "r1"}}]}}', "the body", "both"),
        ('{"features": [{}], "keys": 7}', "the body", "both"),
        (f'{{"rows": [{ROW}]}}', "rows", "an unknown member"),
        (f'{{"features": [{ROW}], "limit": 7}}', "limit", "an unknown member"),
        (f'{{"features": [{ROW}], "": 7}}', "", "an unknown member"),
        ('{"features": []}', "features", "none"),
        ('{"features": {}}', "features", "{}"),
        ('{"keys": null}', "keys", "null"),
        (f'{{"features": [{", ".join([ROW] * 1001)}]}}', "features", "more"),
        ('{"keys": [{"row_id": null}]}', "row_id", "null"),
        ('{"keys": [{"row_id": 7}]}', "row_id", "7"),
    ],
)
def test_a_wrong_body_names_what_it_must_be(api: Served, body: str, field: str, given: str) -> None:
    problem = post(api, body)
    assert problem["status"] == 422
    assert [(one["field"], one["given"]) for one in problem["errors"]] == [(field, given)]


def test_a_long_value_is_cut_and_many_mistakes_are_counted(api: Served) -> None:
    long = post(api, f'{{"features": [{{"shop": {["x" * 9000]}, "delay": 1}}]}}'.replace("'", '"'))
    assert len(long["errors"][0]["given"]) <= 62
    some = post(api, f'{{"features": [{", ".join(["{}"] * 50)}]}}')
    assert len(some["errors"]) == 20
    assert some["detail"].endswith("; and 99 more")
    many = post(api, f'{{"features": [{", ".join(["{}"] * 1000)}]}}')
    assert many["detail"] == "the body has 2,000 mistakes: send one row to see what is wrong with it"


def test_unknown_keys_are_named(api: Served) -> None:
    problem = post(api, '{"keys": [{"row_id": "r1"}, {"row_id": "r601"}, {"row_id": "\'; drop table x"}]}')
    assert (problem["status"], problem["type"]) == (404, "urn:waybill:unknown-keys")
    assert problem["detail"] == "marts.rows has no row with 2 keys of 3"
    assert problem["keys"] == [{"row_id": "r601"}, {"row_id": "'; drop table x"}]


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/tasks/other/model", 404, "unknown-task"),
        ("POST", "/v1/tasks/..%2fsmall/predictions", 404, "no-such-page"),
        ("POST", "/v1/tasks/other/predictions", 404, "unknown-task"),
        ("GET", "/nothing", 404, "no-such-page"),
        ("GET", "/docs/../../settings.py", 404, "no-such-page"),
        ("GET", "/docs/index.html", 404, "no-such-page"),
        ("GET", PREDICTIONS, 405, "method-not-allowed"),
        ("DELETE", "/v1/tasks", 405, "method-not-allowed"),
    ],
)
def test_other_paths_and_methods_are_refused(api: Served, method: str, path: str, status: int, kind: str) -> None:
    response = api.client.request(method, path)
    assert (response.status_code, response.json()["type"]) == (status, f"urn:waybill:{kind}")
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks/small/model", "/health/live", "/health/ready", "/docs"])
def test_head_is_answered_without_a_body(api: Served, path: str) -> None:
    found, asked = api.client.head(path), api.client.get(path)
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["content-length"] == asked.headers["content-length"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"}, {"content-type": ""}, {"content-type": "application/xml; charset=utf-8"},
        {"content-type": "multipart/form-data; boundary=x"}, {"content-encoding": "gzip"},
    ],
)  # fmt: skip
def test_another_content_type_or_encoding_is_refused(api: Served, headers: dict[str, str]) -> None:
    assert post(api, f'{{"features": [{ROW}]}}', **headers)["status"] == 415
    plain = api.client.post(
        PREDICTIONS, content=f'{{"features": [{ROW}]}}', headers={"Content-Type": "APPLICATION/JSON; charset=utf-8"}
    )
    assert plain.status_code == 200
