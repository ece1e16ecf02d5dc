"""Writes dbt's documentation to `reports/dbt_docs.html`; in a run only if models or tables have changed since."""

from __future__ import annotations

from sqlalchemy import Connection, text

from pipeline.dbt.build import write_docs
from warehouse.connection import engine
from warehouse.dbt_login import DBT_PROJECT
from warehouse.unchanged.digest import digest_state
from warehouse.unchanged.made_files import find_made, remember_made
from waybill.settings import get_settings

DOCS_PAGE = "dbt_docs.html"  # in the folder of reports
PROJECT_FOLDERS = ("analyses", "macros", "models", "seeds", "snapshots", "tests")
PACKAGES = ("dbt-core", "dbt-postgres")
COLUMNS = """
select md5(string_agg(
    concat_ws(' ', tables.oid::regclass, attnum, attname, format_type(atttypid, atttypmod)), ','
    order by tables.oid::regclass::text, attnum
))
from pg_attribute inner join pg_class as tables on attrelid = tables.oid
where
    attnum > 0 and not attisdropped and tables.relkind in ('r', 'p', 'v', 'm')
    and relnamespace::regnamespace::text in ('raw', 'ledger', 'staging', 'intermediate', 'marts')
"""


def write_docs_page(*, only_if_changed: bool) -> tuple[int, str]:
    """Write the page; return the number of pages written, 0 if it would be the same, and a summary.

    Raises:
        DbtFailed: dbt could not read the project or the warehouse.
    """
    target = get_settings().reports_folder / DOCS_PAGE
    with engine("reader").connect() as connection:
        state = _digest(connection)
    if only_if_changed and find_made(target, state):
        return 0, "nothing new: no model changed"
    written = write_docs(target)
    remember_made(target, state)
    return written


def _digest(connection: Connection) -> str:
    """Return a digest of what the page shows: the files of the dbt project, and the columns of the tables."""
    files = [path for name in PROJECT_FOLDERS for path in (DBT_PROJECT / name).rglob("*.*") if path.is_file()]
    files.append(DBT_PROJECT / "dbt_project.yml")
    return digest_state(connection, [], files, packages=PACKAGES, also=connection.scalar(text(COLUMNS)))
