"""The warehouse's logins, schemas and tables: created if missing, migrated if an older Waybill made them."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.errors import LayoutMismatch
from warehouse.logins import ensure_logins, find_logins
from warehouse.migrations.layouts import OLDEST_LAYOUT, SCHEMAS, is_begun, latest_layout, layout_differs, layout_version
from warehouse.migrations.workers import lock_migrations, wait_for_workers
from warehouse.restoring.mark import find_mark, remove_mark
from waybill.settings import Settings

RAW_TABLES_LOCK = 0x57415942  # the advisory lock under which raw tables are created
INDEX_SUFFIX = "-ix"  # no source's name holds a hyphen, and with 60 characters it leaves room for this

# There is no key: a batch's id is unique in the ledger and its rows come from one COPY with increasing positions, so
# they cannot repeat, and the upkeep of a b-tree took a fifth of the time of landing. Rows of a batch are adjacent, so a
# BRIN index, which costs next to nothing, finds them.
RAW_TABLE = """
create table raw.{source} (
    _batch_id uuid not null,
    _position bigint not null,
    _fingerprint uuid not null,
    document jsonb not null
);
create index {index} on raw.{source} using brin (_batch_id) with (autosummarize = on)
"""
# The keys of messages without a value, of sources that declare `tombstone: delete`.
MESSAGE_KEY = "alter table raw.{source} add column if not exists _message_key jsonb"


def ensure_schema(connection: Connection, settings: Settings) -> None:
    """Create logins, schemas and ledger if they are missing, migrate an older layout; one query if all is current.

    Raises:
        LayoutMismatch: a newer Waybill made them, or one from before migrations, or the schemas are another program's.
        MigrationBlocked: another session keeps a table locked.
    """
    if _is_latest(connection, settings):
        connection.commit()
        return
    from warehouse.migrations.upgrade import upgrade

    connection.rollback()
    lock_migrations(connection)
    if _is_latest(connection, settings):  # another command has made or migrated them in the meantime
        return
    if not is_begun(connection):  # only now: without the lock, another command could be making these schemas
        refuse_foreign_schemas(connection, settings.pgdatabase)
    is_new = layout_version(connection) is None
    connection.rollback()
    if is_new:  # there is nothing that a command could be working on
        upgrade(connection, ensure_logins(connection, settings))
    else:
        wait_for_workers(connection)
        upgrade(connection, find_logins(connection, settings))


def _is_latest(connection: Connection, settings: Settings) -> bool:
    version = layout_version(connection)
    if version is not None and not OLDEST_LAYOUT <= version <= latest_layout():
        raise LayoutMismatch(layout_differs(settings.pgdatabase, version))
    return version == latest_layout()


def ensure_raw_tables(connection: Connection, sources: Iterable[str], with_message_key: Iterable[str] = ()) -> None:
    """Create the missing raw tables of the sources, and commit. Default privileges give the roles their rights.

    Those that are `with_message_key` get a column for it.
    """
    _create_raw_tables(connection, sources)
    with connection, connection.cursor() as cursor:
        for source in with_message_key:
            if not _has_message_key(cursor, source):
                cursor.execute(sql.SQL(MESSAGE_KEY).format(source=sql.Identifier(source)))


def _create_raw_tables(connection: Connection, sources: Iterable[str]) -> None:
    with connection, connection.cursor() as cursor:
        for source in sources:
            if _has_raw_table(cursor, source):
                continue
            cursor.execute("select pg_advisory_xact_lock(%s)", [RAW_TABLES_LOCK])
            if not _has_raw_table(cursor, source):  # another command has made it in the meantime
                names = {"source": sql.Identifier(source), "index": sql.Identifier(source + INDEX_SUFFIX)}
                cursor.execute(sql.SQL(RAW_TABLE).format(**names))


def _has_raw_table(cursor: Cursor, source: str) -> bool:
    cursor.execute("select exists (select from pg_tables where schemaname = 'raw' and tablename = %s)", [source])
    return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def _has_message_key(cursor: Cursor, source: str) -> bool:
    cursor.execute(
        "select exists (select from pg_attribute where attrelid = to_regclass(format('raw.%%I', %s::text))"
        " and attname = '_message_key')",
        [source],
    )
    return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def drop_everything(connection: Connection) -> None:
    """Drop all of Waybill's schemas from the database, and commit; nothing if it has none.

    An interrupted restore into the database is forgotten with them.
    """
    with connection, connection.cursor() as cursor:
        if find_mark(cursor) is None and not is_begun(connection):
            return
        drop_schemas(cursor)
        remove_mark(cursor)


def drop_schemas(cursor: Cursor) -> None:
    """Drop all of Waybill's schemas."""
    for schema in SCHEMAS:
        cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def refuse_foreign_schemas(connection: Connection, database: str) -> None:
    """Raise LayoutMismatch if the database, which Waybill has made nothing in, has a schema of one of its names."""
    with connection.cursor() as cursor:
        cursor.execute("select min(nspname) from pg_namespace where nspname = any(%s)", [list(SCHEMAS)])
        name = cursor.fetchone()[0]  # type: ignore[index]
    if name is not None:
        raise LayoutMismatch(
            f"the database {database} has a schema {name} that Waybill did not create; nothing "
            "was changed: name another database in PGDATABASE"
        )
