"""dbt's profile: written whenever the warehouse comes up, so that bare `dbt run` reaches the same server."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from warehouse.connection import Warehouse, login_parameters
from warehouse.settings import PROJECT, lasting_database

PROFILE = PROJECT / "dbt_project" / "profiles.yml"
HEADER = "# Written by `python -m warehouse up`; edits are overwritten. Not for git: it may hold a password.\n"


def write_profile(warehouse: Warehouse, path: Path = PROFILE) -> None:
    """Write the profile of mode 0600, whole or not at all; leave it alone when it says the same already."""
    login = login_parameters(warehouse, "transformer")
    target = {
        "type": "postgres",
        "host": login["host"],
        "port": int(login["port"]),
        "user": login.get("user", ""),
        "password": login.get("password", ""),
        "dbname": f"{{{{ env_var('PGDATABASE', '{lasting_database()}') }}}}",
        "schema": "marts",
        "threads": 2,
    }
    if "sslmode" in login:
        target["sslmode"] = login["sslmode"]
    wanted = HEADER + yaml.safe_dump(
        {"waybill": {"target": "waybill", "outputs": {"waybill": target}}}, sort_keys=False
    )
    if path.exists() and path.read_text() == wanted:
        return
    partial = path.with_name(f".profiles.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(wanted)
    partial.replace(path)
