"""Writes small documents to the raw and ledger tables as the loader does, without running it."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import Any
from uuid import UUID

from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from warehouse.connection import engine
from waybill.identifiers import uuid7

Document = dict[str, Any]

ENTER_BATCH = """
with run as (
    insert into ledger.runs (run_id, command, versions) values (:batch_id, 'test', '{}') returning run_id
),
input as (
    insert into ledger.inputs (input_id, source, feed, digest, name, layout, is_complete)
    values (:batch_id, :source, 'file', :digest, 'data/raw/' || :source || '.ndjson', 'ndjson', true) returning input_id
)
insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position,
    contract_digest, read, landed, rejected, skipped)
select :batch_id, input_id, run_id, :source, 'file', 1, :landed + 1, '', :landed, :landed, 0, 0 from run, input
"""
LAND = "insert into raw.{} values (:batch_id, :position, :fingerprint, cast(:document as jsonb))"


def make_empty() -> None:
    """Empty raw and ledger, and drop everything that dbt has made."""
    make_raw_tables()
    made = "select format('%I.%I', schemaname, {0}name), '{0}' from pg_{0}s where schemaname in"
    schemas = "('staging', 'intermediate', 'marts')"
    with engine("owner").begin() as database:
        for kind in ("view", "table"):
            for name, _ in database.execute(text(f"{made.format(kind)} {schemas}")).fetchall():
                database.execute(text(f"drop {kind} if exists {name} cascade"))
        landed = database.execute(
            text("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'raw'")
        )
        database.execute(text(f"truncate {', '.join(['ledger.runs', *landed.scalars()])} cascade"))


def land(source: str, *documents: Document, batch_id: UUID | None = None) -> UUID:
    """Land the documents as one committed batch; return its id."""
    batch_id = batch_id or uuid7()
    rows = []
    for position, document in enumerate(documents, start=1):
        spelled = json.dumps(document)
        fingerprint = UUID(bytes=hashlib.blake2b(spelled.encode(), digest_size=16).digest())
        rows.append({"batch_id": batch_id, "position": position, "fingerprint": fingerprint, "document": spelled})
    with engine("owner").begin() as database:
        if rows:
            database.execute(text(LAND.format(source)), rows)
        database.execute(
            text(ENTER_BATCH),
            {"batch_id": batch_id, "source": source, "digest": batch_id.hex, "landed": len(documents)},
        )
    return batch_id


def changed(document: Document, **values: Any) -> Document:
    """Return a copy with other values; a double underscore goes one level down."""
    copy = deepcopy(document)
    for path, value in values.items():
        *parents, name = path.split("__")
        member = copy
        for parent in parents:
            member = member[parent]
        member[name] = value
    return copy
