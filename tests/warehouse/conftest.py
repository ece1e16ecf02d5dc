"""The embedded server whatever the environment names, and an external one beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.external_server import ExternalServer, external_server
from warehouse.connection import forget
from waybill.settings import Settings

CONNECTION = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable and no `.env` names a server."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in CONNECTION:
        monkeypatch.delenv(name, raising=False)
    yield
    forget()


@pytest.fixture(scope="session")
def external() -> Iterator[ExternalServer]:
    """A PostgreSQL 16 that somebody else runs."""
    with external_server() as server:
        yield server
