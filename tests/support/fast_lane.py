"""Keeps servers out of the fast lane: a test that is not marked `server` fails when it starts one or connects to one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest

from streaming.local_broker import server as local_broker
from tests.support.databases import own_state
from warehouse import embedded
from warehouse.server_paths import ServerPaths

SERVER_FIXTURES = {"server", "external", "session_broker", "browser"}
STARTERS = ((psycopg2, "connect"), (embedded, "start"), (ServerPaths, "command"), (local_broker, "_spawn"))
DATA = ("postgres/data", "kafka/data")  # in a state folder: what a server that was started leaves there


_is_allowed = True


def install_guard() -> None:
    """Wrap what connects or starts a server. Once per process: a test's own patches restore the wrapper, not a refusal."""
    for owner, name in STARTERS:
        setattr(owner, name, _guard(getattr(owner, name)))


def _guard(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if not _is_allowed:
            pytest.fail("a test of the fast lane needs a server: let it ask for `database`, or mark it `server`")
        return function(*arguments, **options)

    return call


@contextmanager
def guarded(*, is_allowed: bool) -> Iterator[None]:
    """Make this process refuse to connect to PostgreSQL and to start it or a broker, unless that is allowed."""
    global _is_allowed
    _is_allowed = is_allowed
    try:
        yield
    finally:
        _is_allowed = True


@contextmanager
def serverless_state() -> Iterator[None]:
    """Name an empty state folder, for commands too, and fail when a server was started in it."""
    with own_state() as folder:
        yield
        started = [name for name in DATA if (folder / name).exists()]
    assert started == [], "a command of this test started a server: mark the test `server`"
