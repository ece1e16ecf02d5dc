"""Provides the variables that the dbt project reads, the transformer's login, and dbt's folders."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from warehouse.connection import TRANSACTION_TIMEOUT_VERSION, connect, connection_parameters
from waybill.settings import PROJECT, get_settings

DBT_PROJECT = PROJECT / "dbt_project"
# What dbt writes into its folder of artefacts. Its parsed project has texts of files that a user may have edited since.
DBT_WRITES = (
    "partial_parse.msgpack",
    *("manifest.json", "run_results.json", "sources.json", "catalog.json", "semantic_manifest.json", "perf_info.json"),
    *("graph.gpickle", "graph_summary.json", "index.html", "static_index.html", "compiled", "run"),
)


def target_folder() -> Path:
    """Return the folder in which dbt writes: DBT_TARGET_PATH, which is relative to the dbt project, or `target`."""
    return DBT_PROJECT / (os.environ.get("DBT_TARGET_PATH") or "target")


def dbt_variables() -> dict[str, str]:
    """Return the environment in which dbt finds the warehouse that the settings name; make the warehouse ready.

    Raises:
        WarehouseError: the server cannot be started or reached, or its tables cannot be migrated.
    """
    login = connection_parameters("transformer")
    with closing(connect("transformer")) as connection:
        has_transaction_timeout = connection.server_version >= TRANSACTION_TIMEOUT_VERSION
    return {
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",  # also when dbt runs in another folder
        "PGCLIENTENCODING": login["client_encoding"],  # a profile has no key for it, nor for the session settings
        "PGOPTIONS": login["options"] + (" -c transaction_timeout=0" if has_transaction_timeout else ""),
        "WAYBILL_DBT_HOST": login["host"],
        "WAYBILL_DBT_PORT": login["port"],
        "WAYBILL_DBT_USER": login.get("user", ""),
        "DBT_ENV_SECRET_WAYBILL_PASSWORD": login.get("password", ""),
        "WAYBILL_DBT_DATABASE": login["dbname"],
        "WAYBILL_DBT_SSLMODE": login.get("sslmode", "prefer"),  # libpq's default
        "WAYBILL_DBT_DISTRIBUTED": str(get_settings().waybill_distributed).lower(),
    }
