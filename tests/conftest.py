"""Fixtures that every test can use, and the mark `server` of those that need a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from streaming.local_broker.process import broker_paths
from tests.support import fast_lane
from tests.support.databases import current_server_paths, execute_on_server, fresh_database, own_state
from warehouse import embedded
from warehouse.connection import forget
from waybill.settings import get_settings

TESTS = Path(__file__).parent
LONGEST = (
    "dags/test_runs.py",
    "dbt_project/test_batches.py",
    "dbt_project/test_books.py",
    "dbt_project/test_erasing.py",
    "dbt_project/test_undo.py",
    "end_to_end/test_interruptions.py",
    "end_to_end/test_odd_folders.py",
    "expectations/test_checkpoints.py",
    "pipeline/backups/restoring/test_erased_since.py",
    "pipeline/erasing/test_canaries.py",
    "pipeline/modelling/removing/test_remove.py",
    "setup/test_environment.py",
    "warehouse/test_migrations.py",
    "waybill/test_fuzzed_commands.py",
)
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
settings.register_profile("few", _COMMON, max_examples=40, derandomize=True)
settings.register_profile("many", _COMMON, max_examples=1000)  # pytest --hypothesis-profile=many
settings.load_profile("few")


def pytest_configure() -> None:
    """Wrap what starts servers, so that it can be refused."""
    fast_lane.install_guard()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for a server, a broker or a browser, directly or through its fixtures.

    The modules that take longest come first, so that no process works on one of them when the others have ended.
    """
    for item in items:
        if fast_lane.SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
    longest = {TESTS / name for name in LONGEST}
    assert not (gone := [path for path in longest if not path.exists()]), f"update LONGEST: {gone}"
    items.sort(key=lambda item: item.path not in longest)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Let the fixtures that a test sets up open connections and start servers only if the test is marked."""
    with fast_lane.guarded(is_allowed=item.get_closest_marker("server") is not None):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let a test open connections and start servers only if it is marked. Fixtures that end after it are not affected."""
    with fast_lane.guarded(is_allowed=item.get_closest_marker("server") is not None):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def state() -> Iterator[None]:
    """Create a state folder for this session, unless the environment names a server."""
    if not get_settings().is_embedded:
        yield
        return
    jars = broker_paths(get_settings()).jars
    jars.mkdir(parents=True, exist_ok=True)
    with own_state():
        broker = broker_paths(get_settings())
        broker.home.mkdir()
        broker.jars.symlink_to(jars)
        yield


@pytest.fixture(scope="session", autouse=True)
def time_for_events() -> Iterator[None]:
    """Let OpenLineage events have the time that they need on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_OPENLINEAGE_SECONDS", "60")
        yield


@pytest.fixture(autouse=True)
def no_variables_of_dbt() -> Iterator[None]:
    """Remove the variables of libpq that `dbt_variables` has given to this process: another server may refuse them."""
    yield
    for name in ("PGCLIENTENCODING", "PGOPTIONS"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def no_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that is not marked `server` when one of its commands has started a server."""
    if request.node.get_closest_marker("server") or not get_settings().is_embedded:
        yield
        return
    with fast_lane.serverless_state():
        yield


@pytest.fixture(scope="session")
def server(state: None) -> Iterator[None]:
    """Start an embedded server in the session's state folder, unless the environment names a server.

    Each worker process has its own server, and tests may kill it. Nothing has to survive a power failure: no fsync.
    """
    if not get_settings().is_embedded:
        yield
        return
    paths = current_server_paths()
    execute_on_server("alter system set fsync = off", "select pg_reload_conf()")
    yield
    forget()
    embedded.remove(paths)


@pytest.fixture
def database(server: None) -> Iterator[str]:
    """Create a database with roles, schemas and ledger, and name it in PGDATABASE while the test runs."""
    with fresh_database() as name:
        yield name


@pytest.fixture(scope="module")
def module_database(server: None) -> Iterator[str]:
    """Create one database for all tests of a module, and name it in PGDATABASE."""
    with fresh_database() as name:
        yield name
