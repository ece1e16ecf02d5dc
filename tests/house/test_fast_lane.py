"""A test that is not marked `server` fails when it, or a command that it runs, uses a server."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
import pytest

from tests.support import fast_lane
from warehouse.connection import connect


def test_a_fast_test_cannot_open_a_connection() -> None:
    with pytest.raises(pytest.fail.Exception, match="needs a server"):
        psycopg2.connect("")


def test_a_fast_test_cannot_start_a_server() -> None:
    with pytest.raises(pytest.fail.Exception, match="needs a server"):
        connect("reader")


def test_a_command_that_starts_a_server_fails_its_test() -> None:
    with pytest.raises(AssertionError, match="a command of this test started a server"), fast_lane.serverless_state():
        Path(os.environ["WAYBILL_STATE"], "kafka", "data").mkdir(parents=True)


def test_tests_that_ask_for_a_database_are_marked(request: pytest.FixtureRequest) -> None:
    marked = {item.name for item in request.session.items if item.get_closest_marker("server")}
    asking = {item.name for item in request.session.items if "database" in getattr(item, "fixturenames", ())}
    assert asking <= marked
