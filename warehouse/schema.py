"""The warehouse's roles, schemas and tables: made when missing, refused when another version made them."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from warehouse.errors import LayoutMismatch
from warehouse.ledger import LAYOUT_VERSION, Ledger
from warehouse.logins import Role, ensure_logins
from waybill.settings import Settings

OWNED_BY: dict[str, Role] = {
    "staging": "transformer",
    "intermediate": "transformer",
    "marts": "transformer",
    "predictions": "trainer",
}
READ_BY: dict[str, tuple[Role, ...]] = {
    "raw": ("transformer", "reader"),
    "ledger": ("loader", "transformer", "trainer", "reader"),
    "staging": ("reader",),
    "intermediate": ("reader", "trainer", "loader"),
    "marts": ("trainer", "reader", "loader"),
    "predictions": ("reader", "loader"),
}
SCHEMAS = ("raw", "ledger", *OWNED_BY)
ONE_AT_A_TIME = 0x57415942  # the advisory lock under which tables are made

# No key: a batch has its name once in the ledger, and its rows come in one COPY with positions that rise, so a key
# could never be broken here; the b-tree cost a fifth of the landing. Rows of a batch stand together, so that an index
# of ranges, which costs next to nothing, leads to them.
RAW_TABLE = """
create table if not exists raw.{source} (
    _batch_id uuid not null,
    _position bigint not null,
    _fingerprint uuid not null,
    document jsonb not null
);
create index if not exists {index} on raw.{source} using brin (_batch_id) with (autosummarize = on)
"""


def ensure_schema(connection: Connection, settings: Settings) -> None:
    """Make logins, schemas and ledger when they are missing; one query when they are there.

    Raises:
        LayoutMismatch: another version of Waybill made them, or the database is used by something else.
    """
    version = layout_version(connection)
    if version is None:
        logins = ensure_logins(connection, settings)
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
            if layout_version(connection) is None:
                _refuse_foreign_schemas(connection, settings)
                _create_schemas(connection, logins)
        version = layout_version(connection)
    if version != LAYOUT_VERSION:
        raise LayoutMismatch(
            f"the database {settings.pgdatabase} is of layout {version}, this is {LAYOUT_VERSION}: "
            "rebuild it with `.venv/bin/python -m warehouse reset --yes`, then `make pipeline`"
        )
    connection.commit()


def layout_version(connection: Connection) -> int | None:
    """Return the version of the tables in the database; None when there are none."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('ledger.layout') is not null")
        if not cursor.fetchone()[0]:  # type: ignore[index]
            return None
        cursor.execute("select max(version) from ledger.layout")
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def ensure_raw_tables(connection: Connection, sources: Iterable[str]) -> None:
    """Make the raw table of each source when it is missing and let the roles in; commits."""
    with connection, connection.cursor() as cursor:
        for source in sources:
            table = sql.SQL("raw.{}").format(sql.Identifier(source))
            cursor.execute("select to_regclass(%s) is not null", [table.as_string(connection)])
            if cursor.fetchone()[0]:  # type: ignore[index]
                continue
            cursor.execute("select pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
            names = {"source": sql.Identifier(source), "index": sql.Identifier(f"{source}_batches"[:63])}
            cursor.execute(sql.SQL(RAW_TABLE).format(**names))


def drop_everything(connection: Connection) -> None:
    """Drop all of Waybill's schemas from the database, if it made any; commits."""
    if layout_version(connection) is None:
        return
    with connection, connection.cursor() as cursor:
        for schema in SCHEMAS:
            cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _refuse_foreign_schemas(connection: Connection, settings: Settings) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select min(nspname) from pg_namespace where nspname = any(%s)", [list(SCHEMAS)])
        name = cursor.fetchone()[0]  # type: ignore[index]
    if name is not None:
        raise LayoutMismatch(
            f"the database {settings.pgdatabase} has a schema {name} that Waybill did not make: "
            "name a database of its own in PGDATABASE"
        )


def _create_schemas(connection: Connection, logins: dict[Role, str]) -> None:
    with connection.cursor() as cursor:
        for schema in SCHEMAS:
            owner = logins[OWNED_BY[schema]] if schema in OWNED_BY else None
            authorization = sql.SQL(" authorization {}").format(sql.Identifier(owner)) if owner else sql.SQL("")
            cursor.execute(sql.SQL("create schema {}{}").format(sql.Identifier(schema), authorization))
        for statement in ledger_statements():
            cursor.execute(statement)
        for schema, roles in READ_BY.items():
            owner = logins[OWNED_BY[schema]] if schema in OWNED_BY else None
            for role in roles:
                _grant_reading(connection, schema, owner, logins[role])
        loader = sql.Identifier(logins["loader"])
        for grant in LOADER_GRANTS:
            cursor.execute(sql.SQL(grant).format(loader=loader))
        cursor.execute("insert into ledger.layout (version) values (%s)", [LAYOUT_VERSION])


LOADER_GRANTS = (
    "grant usage on schema raw to {loader}",
    "alter default privileges in schema raw grant select, insert on tables to {loader}",
    "grant insert on ledger.runs, ledger.inputs, ledger.input_names, ledger.batches to {loader}",
    "grant insert on ledger.rejects, ledger.drift, ledger.gaps to {loader}",
    "grant insert on ledger.stage_runs, ledger.stage_run_parts to {loader}",
    "grant update (ended_at, outcome, detail) on ledger.runs to {loader}",
    "grant update (next_position, next_byte, is_complete) on ledger.inputs to {loader}",
    "grant update (replayed_by) on ledger.rejects to {loader}",
)


def _grant_reading(connection: Connection, schema: str, owner: str | None, login: str) -> None:
    names = {"schema": sql.Identifier(schema), "login": sql.Identifier(login)}
    whose = sql.SQL(" for role {}").format(sql.Identifier(owner)) if owner else sql.SQL("")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("grant usage on schema {schema} to {login}").format(**names))
        cursor.execute(sql.SQL("grant select on all tables in schema {schema} to {login}").format(**names))
        cursor.execute(
            sql.SQL("alter default privileges{whose} in schema {schema} grant select on tables to {login}").format(
                whose=whose, **names
            )
        )


def ledger_statements() -> list[str]:
    """Return the SQL that makes the ledger's tables."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    tables = [str(CreateTable(table).compile(dialect=dialect)) for table in Ledger.metadata.sorted_tables]
    indexes = [index for table in Ledger.metadata.sorted_tables for index in table.indexes]
    return tables + [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
