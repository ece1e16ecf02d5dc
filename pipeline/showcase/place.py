"""A place of its own for a show such as the demo: a database and folders beside the user's, emptied when it begins."""

from __future__ import annotations

import os
import shutil

from psycopg2.errors import InsufficientPrivilege

from pipeline.errors import RunRefused
from pipeline.runner import claim_run
from warehouse import embedded
from warehouse.connection import create_database, current_warehouse, forget, login_parameters, open_connection
from warehouse.schema import drop_everything
from waybill.settings import get_settings


def database_of(name: str) -> str:
    """Return the name of a show's database, beside the user's."""
    return f"{get_settings().pgdatabase}_{name}"


def settle(name: str, *, own: tuple[str, ...]) -> None:
    """Point this process, and those that it starts, to a database and folders of a show's own, and empty them.

    `own` names the kinds of folders that are not shared with the user: processed, models, reports.

    Raises:
        RunRefused: the server does not let us make the database, or the show is at work already.
    """
    settings = get_settings()
    for kind in own:
        folder = getattr(settings, f"{kind}_folder") / name
        os.environ[f"WAYBILL_{kind.upper()}"] = str(folder)
    os.environ["DBT_TARGET_PATH"] = str(settings.state_folder / f"{name}-dbt")
    os.environ["PGDATABASE"] = database_of(name)
    _empty_database(name)
    for kind in own:
        shutil.rmtree(os.environ[f"WAYBILL_{kind.upper()}"], ignore_errors=True)


def _empty_database(show: str) -> None:
    warehouse = current_warehouse()
    name = warehouse.settings.pgdatabase
    if warehouse.place:
        embedded.start(warehouse.place)
    try:
        create_database(warehouse)
    except InsufficientPrivilege:
        raise RunRefused(
            f"the login at {warehouse.description} may not make a database of its own for this: "
            f"let an administrator `create database {name}` and make the login its owner, then `make {show}`"
        ) from None
    owner = open_connection(login_parameters(warehouse, "owner"))
    try:
        claim_run(owner)
        drop_everything(owner)
    finally:
        owner.close()
    forget()
