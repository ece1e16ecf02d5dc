"""What a warehouse holds at one moment, in forms that can be compared: a backup and what is restored from it are equal.

All values are JSON: numbers, text, lists and objects.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from pipeline.accounting import accounting
from pipeline.mart_hashes import mart_hashes
from warehouse.migrations.layouts import SCHEMAS

TABLES = """
    select schemaname, tablename
    from pg_tables
    where schemaname = any(:schemas)
    order by schemaname, tablename
"""
POSITIONS = """
    select source, name, topic_id, partition, next_position
    from ledger.inputs
    where feed = 'kafka'
    order by source, name, topic_id, partition
"""
FILES = "select count(*) from ledger.inputs where feed = 'file' and replaced_at is null"
LAST_COMMITTED = "select max(committed_at) from ledger.batches"


@dataclass(frozen=True)
class Contents:
    """What a warehouse holds.

    `rows` is the number of rows of every table, `books` an account per source (`SourceAccount`), `positions` where each
    topic partition is read on, `files` the number of input files, `last_committed_at` the time of the last batch.
    """

    rows: dict[str, int]
    mart_hashes: dict[str, dict[str, Any]]
    books: list[dict[str, Any]]
    positions: list[dict[str, Any]]
    files: int
    last_committed_at: str | None


def read_contents(connection: Connection) -> Contents:
    """Read what the warehouse holds. All queries see the same moment if the transaction is repeatable read."""
    tables = connection.execute(text(TABLES), {"schemas": list(SCHEMAS)}).all()
    last = connection.scalar(text(LAST_COMMITTED))
    return Contents(
        rows={f"{schema}.{table}": _count(connection, str(schema), str(table)) for schema, table in tables},
        mart_hashes={mart: asdict(found) for mart, found in mart_hashes(connection).items()},
        books=[_as_json(asdict(account)) for account in accounting(connection)],
        positions=[_as_json(dict(row)) for row in connection.execute(text(POSITIONS)).mappings()],
        files=int(connection.scalar(text(FILES)) or 0),
        last_committed_at=last.isoformat() if last else None,
    )


def _count(connection: Connection, schema: str, table: str) -> int:
    quote = connection.dialect.identifier_preparer.quote
    return int(connection.scalar(text(f"select count(*) from {quote(schema)}.{quote(table)}")) or 0)


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(row, default=str))
    return found
