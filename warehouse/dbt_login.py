"""Hands the transformer's login to dbt: the variables that `dbt_project/profiles.yml` asks for."""

from __future__ import annotations

from warehouse.connection import connection_parameters
from waybill.settings import PROJECT

DBT_PROJECT = PROJECT / "dbt_project"


def dbt_variables() -> dict[str, str]:
    """Return the environment in which dbt works on the warehouse that the settings name; it is up afterwards.

    Raises:
        WarehouseError: the server cannot be started or reached, or holds another layout.
    """
    login = connection_parameters("transformer")
    return {
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",  # where it stands in another folder than the project, too
        "PGCLIENTENCODING": login["client_encoding"],  # a profile cannot say it
        "WAYBILL_DBT_HOST": login["host"],
        "WAYBILL_DBT_PORT": login["port"],
        "WAYBILL_DBT_USER": login.get("user", ""),
        "DBT_ENV_SECRET_WAYBILL_PASSWORD": login.get("password", ""),
        "WAYBILL_DBT_DATABASE": login["dbname"],
        "WAYBILL_DBT_SSLMODE": login.get("sslmode", "prefer"),  # libpq's default
    }
