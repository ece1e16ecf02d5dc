"""The OpenAPI document says what the API does: its examples are answered, and nothing that it allows is a fault."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from pydantic import TypeAdapter, ValidationError
from schemathesis import GenerationMode

import ml.task
from ml.api.schemas import OF_KEY
from ml.train import train
from tests.pipeline.browser import start_browser
from tests.support.api.serving import Served, served
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import execute

PREDICTIONS = "/v1/tasks/small/predictions"
MAX_EXAMPLES = 60


def test_models_follow_the_manifest_and_the_key(api: Served) -> None:
    document = api.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    number = {"type": "number", "minimum": -3.4028234663852886e38, "maximum": 3.4028234663852886e38}
    text = {"type": "string", "pattern": "^[^\\u0000]*$"}
    assert schemas["SmallFeatures"]["properties"] == {
        "shop": {**text, "nullable": True, "title": "Shop"},
        "delay": {**number, "nullable": True, "title": "Delay"},
    }
    assert schemas["SmallFeatures"]["required"] == ["shop", "delay"]
    assert schemas["SmallKey"]["properties"] == {"row_id": {**text, "title": "Row Id"}}
    assert schemas["SmallFeatures"]["additionalProperties"] is schemas["SmallKey"]["additionalProperties"] is False
    assert "HTTPValidationError" not in schemas
    assert "'null'" not in str(schemas)  # a type that this version of OpenAPI does not have


def test_every_example_is_answered(api: Served) -> None:
    document = api.client.get("/openapi.json").json()
    body = document["paths"][PREDICTIONS]["post"]["requestBody"]["content"]["application/json"]
    answers = {name: api.client.post(PREDICTIONS, json=one["value"]) for name, one in body["examples"].items()}
    assert {name: answer.status_code for name, answer in answers.items()} == {"by key": 404, "with features": 200}
    assert answers["by key"].json()["type"] == "urn:waybill:unknown-keys"


@pytest.mark.parametrize(
    ("column_type", "right", "wrong"),
    [
        ("bigint", [-(2**63), 2**63 - 1, 7.0], [2**63, -(2**63) - 1, 7.5, "7", True, None]),
        ("integer", [2**31 - 1], [2**31]),
        ("numeric", [7, 7.5, "7.50"], [True, None]),
        ("double precision", [7, -7.5], ["7", False]),
        ("boolean", [True, False], [0, 1, "true"]),
        ("uuid", ["01a229e0-bfc6-7690-82e0-83509d28f367"], [7]),
        ("date", ["2013-01-31"], [20130131]),
    ],
)
def test_a_key_takes_the_values_of_its_column(column_type: str, right: list[Any], wrong: list[Any]) -> None:
    member = TypeAdapter(OF_KEY[column_type][0])
    for value in right:
        assert member.validate_python(value) == value
    for value in wrong:
        with pytest.raises(ValidationError):
            member.validate_python(value)
    if column_type == "bigint":
        assert member.json_schema() == {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}


@pytest.mark.slow
@pytest.mark.server
def test_nothing_that_the_document_allows_is_a_fault(trained: object) -> None:
    """The tasks have both kinds of labels, and keys of one and of two columns."""
    make_orders()
    execute("grant select on marts.orders to waybill_api")
    (ml.task.TASKS / "channels.yml").write_text(yaml.safe_dump(CHANNELS))
    train("channels")
    with served() as server:
        document = _document_with_key_types(server)
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=server.address)
        operations = [schema[path][method] for path, methods in document["paths"].items() for method in methods]
        tried = [_try_operation(operation) for operation in operations]
        assert min(tried) >= 1
        assert sum(tried) > 2 * MAX_EXAMPLES
        assert 'status="5' not in server.client.get("/metrics").text
    (ml.task.TASKS / "channels.yml").unlink()


def _document_with_key_types(server: Served) -> Any:
    deadline = time.monotonic() + 20
    while True:
        document = server.client.get("/openapi.json").json()
        if document["components"]["schemas"]["ChannelsKey"]["properties"]["order_id"].get("type") == "integer":
            return document
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _try_operation(operation: Any) -> int:
    """Send requests made from the document, valid and not; check each answer against it; return how many were sent."""
    sent = 0

    @settings(
        max_examples=MAX_EXAMPLES, deadline=None, phases=[Phase.generate], derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def send(case: Any) -> None:
        nonlocal sent
        assume(not _is_too_large_by_rounding(case.body))
        sent += 1
        case.call_and_validate()

    send()
    return sent


def _is_too_large_by_rounding(body: Any) -> bool:
    """Return whether a number is larger than every bigint, but not as a double, as which schemathesis compares it."""
    return any(int(digits) >= 2**63 and float(digits) == 2.0**63 for digits in re.findall(r"\d{19}", str(body)))


@pytest.mark.browser
@pytest.mark.server
def test_the_documentation_needs_no_network(api: Served) -> None:
    troubles: list[str] = []
    with start_browser() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.route(
            "**/*", lambda route: route.continue_() if route.request.url.startswith(api.address) else route.abort()
        )
        page.on("requestfailed", lambda request: troubles.append(request.url))
        page.goto(f"{api.address}/docs")
        page.locator("#operations-predictions-predict_small").click()
        page.get_by_role("button", name="Execute").click()
        page.locator(".live-responses-table .response-col_status").first.wait_for()
        assert "prediction_id" in page.locator(".live-responses-table").inner_text()  # the example was answered
    assert troubles == []
