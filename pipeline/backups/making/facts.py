"""Reads what a manifest says of the database: whose it is, its versions, its logins."""

from __future__ import annotations

from sqlalchemy import Connection, text

from pipeline.backups.manifest import Database
from warehouse.logins import ROLES, own_logins, role_name
from warehouse.migrations.layouts import SCHEMAS
from waybill.settings import Settings

FIRST_RUN = "select run_id from ledger.runs order by started_at, run_id limit 1"
FACTS = """
    select current_database() as name, current_setting('server_encoding') as encoding,
        (select max(version) from ledger.layout) as layout,
        split_part(current_setting('server_version'), ' ', 1) as server_version
"""


def read_warehouse_id(connection: Connection) -> str:
    """Return the id of the first run in the ledger, which no other warehouse has. The backup's own is one, at least."""
    return str(connection.scalar(text(FIRST_RUN)))


def read_database(connection: Connection, settings: Settings, pg_dump: str) -> Database:
    """Return what a manifest says of the database."""
    owner = str(connection.scalar(text("select current_user")))
    own = own_logins(settings)
    logins: dict[str, str] = {"owner": owner, **{role: role_name(role) if role in own else owner for role in ROLES}}
    row = connection.execute(text(FACTS)).mappings().one()
    return Database(**row, pg_dump=pg_dump, schemas=list(SCHEMAS), logins=logins)
