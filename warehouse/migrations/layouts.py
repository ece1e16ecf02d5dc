"""The schemas, the layout that a database has, and the one that this version works with. Imports no slow Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg2.extensions import connection as Connection

from warehouse.restoring.mark import require_no_mark

SCHEMAS = ("raw", "ledger", "staging", "intermediate", "marts", "predictions")
VERSIONS = Path(__file__).with_name("versions")
OLDEST_LAYOUT = 5  # the first one that migrations start from


@cache
def latest_layout() -> int:
    """Return the layout that the last file in `versions/` leads to, by its name: `layout_6_….py` → 6."""
    return max(int(path.name.split("_")[1]) for path in VERSIONS.glob("layout_*.py"))


def layout_version(connection: Connection) -> int | None:
    """Return the layout of the tables in a database; None if Waybill has made none there.

    Raises:
        RestoreAtWork, RestoreInterrupted: the database holds only a part of a backup.
    """
    require_no_mark(connection)
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('ledger.layout') is not null")
        if not cursor.fetchone()[0]:  # type: ignore[index]
            return None
        cursor.execute("select max(version) from ledger.layout")
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def is_begun(connection: Connection) -> bool:
    """Return whether Waybill has begun to make its tables in a database, even if the command was interrupted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(to_regclass('ledger.layout'), to_regclass('ledger.alembic_version')) is not null"
        )
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def layout_differs(database: str, layout: int | None) -> str:
    """Return the message for a database whose layout this Waybill does not work with."""
    known = latest_layout()
    if layout is None:
        return f"the tables of the database {database} were removed while this command started: run it again"
    if layout > known:
        return (
            f"the database {database} was made by a newer Waybill (its layout is {layout}, this one knows {known}): "
            "update this clone"
        )
    return (
        f"the database {database} has layout {layout}, from before Waybill could migrate its tables; nothing was "
        "changed: use the version that made it, or name another database in PGDATABASE and load the files there"
    )
