"""Order-independent hashes of the marts without the columns the pipeline adds (`_…`): equal for equal documents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

MARTS = """
    select tablename
    from pg_tables
    where schemaname = 'marts'
    order by tablename
"""
ADDED = """
    select column_name
    from information_schema.columns
    where table_schema = 'marts' and table_name = :mart and column_name like '\\_%'
"""


@dataclass(frozen=True)
class MartHash:
    """The number of rows of a mart, and the sum of their 64-bit hashes."""

    rows: int
    digest: str


def mart_hashes(connection: Connection) -> dict[str, MartHash]:
    """Return mart → hash, for every mart that exists."""
    return {mart: _hash(connection, mart) for mart in connection.scalars(text(MARTS)).all()}


def _hash(connection: Connection, mart: str) -> MartHash:
    quote = connection.dialect.identifier_preparer.quote
    added = "".join(f" - '{name}'" for name in connection.scalars(text(ADDED), {"mart": mart}))
    query = f"""
        select count(*) as rows, coalesce(sum(hashtextextended((to_jsonb(mart){added})::text, 0)), 0)::text as digest
        from marts.{quote(mart)} as mart
    """
    return MartHash(**connection.execute(text(query)).mappings().one())
