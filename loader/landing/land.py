"""Lands one chunk: rows, rejects, drift, batches and next places in one PostgreSQL transaction, through COPY."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.landing.batch import AnyFeed, Batch, FileBatch
from loader.landing.chunks import Chunk
from loader.landing.claims import advance, claim
from loader.landing.copying import copy_rows, row
from loader.landing.refused import DOCUMENT_ERRORS, ask_which

Claimed = Sequence[tuple[Batch[AnyFeed], UUID]]

RAW_COLUMNS = ("_batch_id", "_position", "_fingerprint", "document")
BATCH_COLUMNS = (
    "batch_id", "input_id", "run_id", "source", "feed", "first_position", "next_position", "first_byte",
    "contract_digest", "read", "landed", "rejected", "skipped", "sent_at",
)  # fmt: skip
REJECT_COLUMNS = (
    "batch_id", "position", "reason", "detail", "pointer", "bytes", "first_byte", "length", "fingerprint",
)  # fmt: skip
DRIFT_COLUMNS = ("batch_id", "pointer", "json_type", "documents")


def land(connection: Connection, chunk: Chunk) -> list[FileBatch]:
    """Land the parts of a chunk that nobody landed yet, whoever else tries at the same time; return them.

    The steps of the one transaction:
    1. claim the inputs' rows in the ledger; parts that another loader has landed meanwhile are left out,
    2. COPY the documents,
    3. COPY batches, rejects and drift,
    4. advance the inputs' places, only if they are where the parts begin,
    5. commit.

    When PostgreSQL refuses a document that Python took, it is asked which, and the others are landed.

    Raises:
        psycopg2.Error: the server or the way to it failed; nothing of the chunk was landed, or all of it.
    """
    try:
        return _land(connection, chunk)
    except DOCUMENT_ERRORS:
        with connection, connection.cursor() as cursor:
            ask_which(cursor, chunk.parts)
        return _land(connection, chunk)


def _land(connection: Connection, chunk: Chunk) -> list[FileBatch]:
    with connection, connection.cursor() as cursor:  # 5.
        claimed = claim(cursor, chunk)  # 1.
        if claimed:
            write_documents(cursor, chunk.source, claimed)  # 2.
            write_books(cursor, claimed)  # 3.
            advance(cursor, claimed)  # 4.
    return [part for part, _ in claimed]


def write_documents(cursor: Cursor, source: str, claimed: Claimed[AnyFeed]) -> None:
    """COPY the documents of claimed parts into their raw table."""
    rows = [piece for part, _ in claimed for piece in part.rows]
    copy_rows(cursor, sql.Identifier("raw", source), RAW_COLUMNS, rows)


def write_books(cursor: Cursor, claimed: Claimed[AnyFeed]) -> None:
    """COPY batches, rejects and drift of claimed parts into the ledger."""
    batches = [_batch_row(part, input_id) for part, input_id in claimed if not part.is_idle]
    copy_rows(cursor, sql.Identifier("ledger", "batches"), BATCH_COLUMNS, batches)
    rejects = [reject_row for part, _ in claimed for reject_row in _reject_rows(part)]
    copy_rows(cursor, sql.Identifier("ledger", "rejects"), REJECT_COLUMNS, rejects)
    drift = [
        row(part.batch_id, pointer, json_type, documents)
        for part, _ in claimed
        for (pointer, json_type), documents in part.drift.items()
    ]
    copy_rows(cursor, sql.Identifier("ledger", "drift"), DRIFT_COLUMNS, drift)


def _batch_row(part: Batch[AnyFeed], input_id: UUID) -> bytes:
    delivery = part.delivery
    return row(
        part.batch_id,
        input_id,
        delivery.run_id,
        delivery.source.source,
        delivery.feed,
        part.start.position,
        part.end.position,
        part.start.byte,
        delivery.contract.digest,
        *part.counts,
        part.sent_at,
    )


def _reject_rows(part: Batch[AnyFeed]) -> list[bytes]:
    return [
        row(
            part.batch_id,
            reject.position,
            reject.refusal.reason,
            reject.refusal.detail,
            reject.refusal.pointer,
            reject.beginning,
            reject.first_byte,
            reject.length,
            reject.fingerprint,
        )
        for reject in part.rejects
    ]
