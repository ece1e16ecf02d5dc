"""Keeps servers out of the fast lane: a test that is not marked `server` fails when it starts one or connects to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg2
import pytest

from streaming.local_broker import server as local_broker
from tests.support.databases import own_state
from warehouse import embedded
from warehouse.server_paths import ServerPaths

SERVER_FIXTURES = {"server", "external", "broker_place", "browser"}
STARTERS = ((psycopg2, "connect"), (embedded, "start"), (ServerPaths, "command"), (local_broker, "_spawn"))
DATA = ("postgres/data", "kafka/data")  # in a state folder: what a server that was started leaves there


@contextmanager
def guarded(*, is_allowed: bool) -> Iterator[None]:
    """Make this process refuse to connect to PostgreSQL and to start it or a broker, unless that is allowed."""
    with pytest.MonkeyPatch.context() as patch:
        if not is_allowed:
            for owner, name in STARTERS:
                patch.setattr(owner, name, _refuse)
        yield


def _refuse(*_: Any, **__: Any) -> NoReturn:
    pytest.fail("a test of the fast lane needs a server: let it ask for `database` or `server`, or mark it `server`")


@contextmanager
def serverless_state() -> Iterator[None]:
    """Name an empty state folder, for commands too, and fail when a server was started in it."""
    with own_state() as folder:
        yield
        started = [name for name in DATA if (folder / name).exists()]
    assert started == [], "a command of this test started a server: mark the test `server`"
