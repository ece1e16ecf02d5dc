"""Fixtures that every test can use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from streaming.local_broker.process import find_broker
from tests.support.databases import fresh_database, own_server, tell_server
from warehouse.connection import forget
from waybill.settings import get_settings

_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
settings.register_profile("few", _COMMON, max_examples=40, derandomize=True)
settings.register_profile("many", _COMMON, max_examples=1000)  # pytest --hypothesis-profile=many
settings.load_profile("few")


@pytest.fixture(scope="session", autouse=True)
def server() -> Iterator[None]:
    """An embedded server and a state folder of this process's own, unless the environment names a server.

    Tests may kill the server, and several processes share the tests. Nothing outlives the machine here: no fsync.
    """
    if not get_settings().is_embedded:
        yield
        return
    jars = find_broker(get_settings()).jars
    jars.mkdir(parents=True, exist_ok=True)
    with own_server():
        broker = find_broker(get_settings())
        broker.home.mkdir()
        broker.jars.symlink_to(jars)
        tell_server("alter system set fsync = off", "select pg_reload_conf()")
        yield
        forget()


@pytest.fixture
def database() -> Iterator[str]:
    """A fresh database with roles, schemas and ledger, named by PGDATABASE while the test runs."""
    with fresh_database() as name:
        yield name


@pytest.fixture(scope="module")
def module_database() -> Iterator[str]:
    """The same for all tests of a module."""
    with fresh_database() as name:
        yield name
