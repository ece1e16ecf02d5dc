"""The embedded server, even if the environment names another, and an external one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.external_server import ExternalServer, external_server
from warehouse.connection import forget
from waybill.settings import Settings

CONNECTION = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove every variable that names a server, and ignore `.env`."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in CONNECTION:
        monkeypatch.delenv(name, raising=False)
    yield
    forget()


@pytest.fixture(scope="session")
def external() -> Iterator[ExternalServer]:
    """Start a PostgreSQL 16 that the project does not manage."""
    with external_server() as server:
        yield server
