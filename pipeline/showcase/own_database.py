# waybill: sample
"""Gives the demo and the stream their own database and folders, next to the user's, and empties them at the start."""

from __future__ import annotations

import os
import shutil

from psycopg2.errors import InsufficientPrivilege

from pipeline.errors import RunRefused
from warehouse.connection import (
    create_database,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
    start_server,
)
from warehouse.schema import drop_everything
from warehouse.work_lock import only_run_on
from waybill.cli import OWN_DATABASE
from waybill.settings import MAX_NAME_BYTES, get_settings


def database_of(name: str) -> str:
    """Return the name of a showcase's database: the user's with a suffix.

    Raises:
        RunRefused: PostgreSQL would cut the name, perhaps to the user's own.
    """
    database = f"{get_settings().pgdatabase}_{name}"
    if len(database.encode()) > MAX_NAME_BYTES:
        raise RunRefused(
            f"{database}, the database of `{name}`, would be longer than PostgreSQL's {MAX_NAME_BYTES} bytes: "
            "name a shorter one in PGDATABASE"
        )
    return database


def use_own_database(name: str, *, own_folders: tuple[str, ...]) -> None:
    """Switch this process, and those it starts, to a showcase's own database and folders, and empty them.

    `own_folders` are the folders not shared with the user's runs: processed, models, reports.

    Raises:
        RunRefused: the login may not create the database.
        RunInProgress: the showcase is running already.
    """
    settings = get_settings()
    for kind in own_folders:
        folder = getattr(settings, f"{kind}_folder") / name
        os.environ[f"WAYBILL_{kind.upper()}"] = str(folder)
    os.environ["DBT_TARGET_PATH"] = str(settings.state_folder / f"{name}-dbt")
    os.environ["PGDATABASE"] = os.environ[OWN_DATABASE] = database_of(name)
    _empty_database(name)
    for kind in own_folders:
        shutil.rmtree(os.environ[f"WAYBILL_{kind.upper()}"], ignore_errors=True)


def _empty_database(showcase: str) -> None:
    warehouse = current_warehouse()
    name = warehouse.settings.pgdatabase
    start_server(warehouse)
    try:
        create_database(warehouse)
    except InsufficientPrivilege:
        raise RunRefused(
            f"the login at {warehouse.description} may not create the database {name}: "
            f"let an administrator create it and make the login its owner, then run `make {showcase}` again"
        ) from None
    owner = open_connection(login_parameters(warehouse, "owner"))
    try:
        with only_run_on(owner):
            drop_everything(owner)
    finally:
        owner.close()
    forget()
