"""Runs a second embedded server in a temporary folder, which this process works on until the server is removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from warehouse import embedded
from warehouse.connection import (
    create_database,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
    when_not_busy,
)
from warehouse.server_paths import ServerPaths, find_server_paths
from waybill.settings import get_settings
from waybill.temporary_files import left_folders, locked_folder

PREFIX = "waybill-scratch-"
DATABASE = "waybill_scratch"
NOT_LASTING = ("fsync", "full_page_writes", "synchronous_commit")  # nothing has to survive a power failure


@contextmanager
def scratch_warehouse() -> Iterator[Path]:
    """Let this process work on an empty database of a new server; remove the server after the block.

    Gives the temporary folder. The settings name it and its server: state, models, reports and dbt's artefacts are in
    it. The server is used through its socket, as a server that is not Waybill's, so that no file of settings counts
    instead. Servers that killed processes have left are removed first.
    """
    remove_leftovers()
    before = dict(os.environ)
    with locked_folder(PREFIX) as folder:
        try:
            os.environ.update(_variables(folder))
            server = _paths()
            _choose(server)
            when_not_busy(lambda: embedded.start(server))
            _prepare()
            yield folder
        finally:
            forget()
            _remove(folder)
            os.environ.clear()
            os.environ.update(before)


def remove_leftovers() -> None:
    """Remove the scratch servers whose processes were killed."""
    for folder in left_folders(PREFIX):
        with suppress(OSError):
            before = os.environ.get("WAYBILL_STATE")
            os.environ["WAYBILL_STATE"] = str(folder)
            try:
                _remove(folder)
            finally:
                os.environ.pop("WAYBILL_STATE")
                if before is not None:
                    os.environ["WAYBILL_STATE"] = before


def _variables(folder: Path) -> dict[str, str]:
    folder.chmod(0o755)  # the server may run as another user; what is in the folder is private
    return {
        "WAYBILL_STATE": str(folder),
        "WAYBILL_MODELS": str(folder / "models"),
        "WAYBILL_REPORTS": str(folder / "reports"),
        "WAYBILL_PROCESSED": str(folder / "processed"),
        "DBT_TARGET_PATH": str(folder / "dbt"),
        "DBT_LOG_PATH": str(folder / "dbt-logs"),
    }


def _paths() -> ServerPaths:
    return find_server_paths(get_settings())


def _choose(server: ServerPaths) -> None:
    """Name the server in libpq's variables, and no other."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    chosen = {"PGHOST": str(server.socket), "PGPORT": "5432", "PGUSER": embedded.OWNER, "PGDATABASE": DATABASE}
    os.environ.update(chosen)
    forget()


def _prepare() -> None:
    warehouse = current_warehouse()
    connection = open_connection(login_parameters(warehouse, "owner", database="postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for setting in NOT_LASTING:
                cursor.execute(f"alter system set {setting} = off")
            cursor.execute("select pg_reload_conf()")
    finally:
        connection.close()
    create_database(warehouse)


def _remove(folder: Path) -> None:
    """Stop the server of a folder and remove everything; the settings name the folder as the state folder."""
    if (folder / "postgres").exists() or os.geteuid() == 0:
        with suppress(FileNotFoundError):
            embedded.remove(_paths())
    shutil.rmtree(folder, ignore_errors=True)
