"""Compares marts by content: a digest of the rows of each, without the columns that say where a row came from."""

from __future__ import annotations

from tests.support.databases import rows

MARTS = "select table_name from information_schema.tables where table_schema = 'marts' and table_name ~ %s order by 1"
COLUMNS = (
    "select column_name from information_schema.columns where table_schema = 'marts' and table_name = %s"
    r" and column_name !~ '^_' order by 1"
)
CONTENT = """
select count(*), md5(string_agg(line, e'\\n' order by line collate "C"))
from (select row({columns})::text as line from marts.{mart}) as lines
"""


def mart_contents(source: str) -> dict[str, tuple[list[str], int, str | None]]:
    """Return mart → its columns, how many rows it has, and the digest of their values."""
    found = {}
    for (mart,) in rows(MARTS, f"^(fct|dim)_{source}(_|$)"):
        columns = [column for (column,) in rows(COLUMNS, mart)]
        quoted = ", ".join(f'"{column}"' for column in columns)
        ((count, digest),) = rows(CONTENT.format(columns=quoted, mart=mart))
        found[mart] = (columns, count, digest)
    return found
