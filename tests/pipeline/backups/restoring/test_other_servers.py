"""A backup can be restored on another server: older, with other logins, or with one login for all roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.restore import Request, restore_backup
from tests.support.catalog import catalog
from tests.support.databases import fresh_database, rows
from tests.support.external_server import ExternalServer, external_server
from warehouse.connection import forget
from warehouse.migrations.layouts import SCHEMAS
from waybill.settings import get_settings

OF_THE_SOURCE = ("orders", "fct_orders")
pytestmark = pytest.mark.skipif(not get_settings().is_embedded, reason="it names its own servers")


@pytest.fixture(scope="module")
def external() -> Iterator[ExternalServer]:
    """Start a PostgreSQL 16 that the project does not manage."""
    with external_server() as server:
        yield server


@contextmanager
def on(external: ExternalServer, login: str, folder: Path) -> Iterator[None]:
    """Work on a new database of the server, with a login of it and another models folder."""
    forget()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in external.variables(login, folder).items():
            patch.setenv(name, value)
        patch.setenv("WAYBILL_MODELS", str(folder / f"models-{login}"))
        with fresh_database(login):
            yield
    forget()


def backed_up(folder: Path) -> Path:
    made = back_up(folder).folder
    assert made is not None
    return made


def fresh_rights() -> dict[str, list[tuple[object, ...]]]:
    """Return owners and rights of a new warehouse on this server."""
    with fresh_database():
        return rights()


def rights() -> dict[str, list[tuple[object, ...]]]:
    """Return owners and rights of all that every warehouse has; an owner's own rights may be listed or not."""
    found = catalog(*SCHEMAS)
    relations = [
        (schema, name, kind, owner, sorted(right for right in granted or () if not right.startswith(f"{owner}=")))
        for schema, name, kind, owner, granted, _ in found["relations"]
        if name not in OF_THE_SOURCE
    ]
    columns = [row for row in found["columns"] if row[1] not in OF_THE_SOURCE]
    defaults = found["default rights"]
    return {"schemas": found["schemas"], "defaults": defaults, "relations": relations, "columns": columns}


@pytest.mark.parametrize("login", ["creator", "plain"])
def test_the_embedded_servers_backup_fits_an_older_server(
    landed: Path, folder: Path, external: ExternalServer, login: str
) -> None:
    backup = backed_up(folder)
    with on(external, login, landed):
        expected = fresh_rights()
        restore_backup(Request(backup, None))
        assert rights() == expected
        assert rows("select count(*) from raw.orders") == [(200,)]
        owner = "waybill_transformer" if login != "plain" else "plain"
        assert rows("select tableowner from pg_tables where tablename = 'fct_orders'") == [(owner,)]


@pytest.mark.parametrize("login", ["creator", "plain"])
def test_an_older_servers_backup_fits_the_embedded_server(
    landed: Path, folder: Path, external: ExternalServer, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_backup = backed_up(folder)
    with on(external, login, landed):
        restore_backup(Request(embedded_backup, None))
        backup = backed_up(landed / "others")
    monkeypatch.setenv("WAYBILL_MODELS", str(landed / "again"))
    expected = rights()
    with fresh_database():
        restore_backup(Request(backup, None))
        assert rights() == expected
        assert rows("select tableowner from pg_tables where tablename = 'fct_orders'") == [("waybill_transformer",)]
