"""dbt makes the mart again with another type of key, or wrongly, while the API runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.api.serving import Served, served
from tests.support.small.task import execute

PREDICTIONS = "/v1/tasks/small/predictions"
UNREADABLE = (
    "marts.rows cannot be read by key now; the operator finds the reason in the log; "
    "requests with features are still answered"
)
AS_TEXT = "alter table marts.rows alter row_id type text using 'r' || row_id"
AS_NUMBER = "alter table marts.rows alter row_id type bigint using substr(row_id, 2)::bigint"


@pytest.fixture
def with_numbers(trained: object) -> Iterator[None]:
    """Give the mart a key that is a number, in the same way as before."""
    execute(AS_NUMBER)
    yield
    execute(AS_TEXT)


def status_of(server: Served, key: object) -> int:
    return server.client.post(PREDICTIONS, json={"keys": [{"row_id": key}]}).status_code


def wait_for(server: Served, key: object, status: int) -> None:
    until = time.monotonic() + 20
    while (found := status_of(server, key)) != status:
        assert time.monotonic() < until, found
        time.sleep(0.2)


def test_a_key_of_another_type_is_taken_without_a_restart(api: Served, request: pytest.FixtureRequest) -> None:
    assert (status_of(api, "r7"), status_of(api, 7)) == (200, 422)
    request.getfixturevalue("with_numbers")
    wait_for(api, 7, 200)
    assert status_of(api, "r7") == 422


def test_a_key_that_repeats_is_named_in_the_log_once(trained: object) -> None:
    with served() as server:
        execute("insert into marts.rows select * from marts.rows where row_id = 'r7'")
        try:
            expect_unreadable(server)
        finally:
            execute(
                "delete from marts.rows where row_id = 'r7'"
                " and ctid <> (select min(ctid) from marts.rows where row_id = 'r7')"
            )
        assert server.stop()[2].count("has a key that several rows have") == 1


def test_a_mart_that_is_gone_is_named_in_the_log_once(trained: object) -> None:
    with served() as server:
        execute("alter table marts.rows rename to elsewhere")
        try:
            expect_unreadable(server)
        finally:
            execute("alter table marts.elsewhere rename to rows")
        assert server.stop()[2].count("there is no table marts.rows") == 1


def expect_unreadable(server: Served) -> None:
    """Ask twice by key; the answers have no more than a sentence."""
    for _ in range(2):
        response = server.client.post(PREDICTIONS, json={"keys": [{"row_id": "r7"}]})
        assert (response.status_code, response.json()["type"]) == (503, "urn:waybill:unreadable")
        assert response.json()["detail"] == UNREADABLE
