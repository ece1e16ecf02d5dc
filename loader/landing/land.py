"""Lands batches: documents, rejects, drift and the next positions in one PostgreSQL transaction, through COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.erasing.bars import bar, read_bars
from loader.landing.batch import AnyFeed, Batch
from loader.landing.binary_copy import JSONB_VERSION, copy_rows, row
from loader.landing.unstorable import DOCUMENT_ERRORS, reject_unstorable
from loader.reading.byte_ranges import fingerprint

JSONB = bytes([JSONB_VERSION])  # before the text of a jsonb
JSONB_NULL = JSONB + b"null"
RAW_COLUMNS = ("_batch_id", "_position", "_fingerprint", "document")
NULL_COLUMNS = (*RAW_COLUMNS, "_message_key")
BATCH_COLUMNS = (
    "batch_id", "input_id", "run_id", "source", "feed", "first_position", "next_position", "first_byte",
    "contract_digest", "read", "landed", "rejected", "skipped", "sent_at",
)  # fmt: skip
REJECT_COLUMNS = (
    "batch_id", "position", "reason", "detail", "pointer", "bytes", "first_byte", "length", "fingerprint",
    "erased_by",
)  # fmt: skip
DRIFT_COLUMNS = ("batch_id", "pointer", "json_type", "documents")
ERASED_COLUMNS = ("batch_id", "position", "erasure_id")


class Positions(Protocol[AnyFeed]):
    """How one kind of feed (file, topic, replay) keeps its positions in the ledger."""

    def lock(self, cursor: Cursor, batches: Sequence[Batch[AnyFeed]]) -> list[Batch[AnyFeed]]:
        """Lock the positions until the transaction ends; return the batches that still have to be landed.

        Another process that lands the same input waits here, and leaves out what the first process has committed.
        Rows are always locked in the same order, so that two processes never wait for each other.
        """

    def advance(self, cursor: Cursor, batches: Sequence[Batch[AnyFeed]]) -> None:
        """Move each position from its batch's start to its batch's end (compare and set).

        Raises:
            Overtaken: a position is not at its batch's start any more; the transaction must be rolled back.
        """


def land(
    connection: Connection, batches: Sequence[Batch[AnyFeed]], positions: Positions[AnyFeed]
) -> list[Batch[AnyFeed]]:
    """Land batches of one source that no other process has landed; return those that were landed.

    The steps of the transaction:
    1. Wait for an erasure of the source to end, and let none begin. Read which keys may not land.
    2. Lock the positions in the ledger. Leave out each batch that another process has landed.
    3. Take barred documents out of the batches, which count them.
    4. COPY the documents into the raw table.
    5. COPY batches, rejects, drift and erased documents into the ledger.
    6. Advance the positions, but only from where the batches start.
    7. Commit.

    If PostgreSQL refuses a document that Python accepted, the transaction is rolled back:
    8. Find all such documents, turn them into rejects, and repeat steps 1 to 7 once.

    Raises:
        EraseRefused: the source has barred keys, and the secret of erasures is missing or another one.
        LoaderError: the positions cannot be locked or advanced; nothing was landed.
        psycopg2.Error: the server or the connection failed; either all batches were landed or none.
    """
    try:
        return _land(connection, batches, positions)
    except DOCUMENT_ERRORS:
        with connection, connection.cursor() as cursor:
            reject_unstorable(cursor, batches)  # 8.
        return _land(connection, batches, positions)


def _land(
    connection: Connection, batches: Sequence[Batch[AnyFeed]], positions: Positions[AnyFeed]
) -> list[Batch[AnyFeed]]:
    with connection, connection.cursor() as cursor:  # 7.
        bars = read_bars(cursor, batches[0].feed.source)  # 1.
        locked = positions.lock(cursor, batches)  # 2.
        if locked:
            if bars:
                bar(cursor, bars, locked)  # 3.
            _copy_documents(cursor, locked)  # 4.
            _copy_books(cursor, locked)  # 5.
            positions.advance(cursor, locked)  # 6.
    return locked


def _copy_documents(cursor: Cursor, batches: Sequence[Batch[AnyFeed]]) -> None:
    rows = [piece for batch in batches for piece in batch.rows]
    table = sql.Identifier("raw", batches[0].feed.source.source)
    copy_rows(cursor, table, RAW_COLUMNS, rows)
    null_rows = [
        row(batch.batch_id, position, UUID(bytes=fingerprint(key)), JSONB_NULL, JSONB + key)
        for batch in batches
        for position, key in batch.nulls.items()
    ]
    copy_rows(cursor, table, NULL_COLUMNS, null_rows)


def _copy_books(cursor: Cursor, batches: Sequence[Batch[AnyFeed]]) -> None:
    batch_rows = [_batch_row(batch) for batch in batches if not batch.is_idle]
    copy_rows(cursor, sql.Identifier("ledger", "batches"), BATCH_COLUMNS, batch_rows)
    reject_rows = [reject_row for batch in batches for reject_row in _reject_rows(batch)]
    copy_rows(cursor, sql.Identifier("ledger", "rejects"), REJECT_COLUMNS, reject_rows)
    drift_rows = [
        row(batch.batch_id, pointer, json_type, documents)
        for batch in batches
        for (pointer, json_type), documents in batch.drift.items()
    ]
    copy_rows(cursor, sql.Identifier("ledger", "drift"), DRIFT_COLUMNS, drift_rows)
    erased_rows = [
        row(batch.batch_id, position, erasure_id) for batch in batches for position, erasure_id in batch.barred.items()
    ]
    copy_rows(cursor, sql.Identifier("ledger", "erased_documents"), ERASED_COLUMNS, erased_rows)


def _batch_row(batch: Batch[AnyFeed]) -> bytes:
    feed = batch.feed
    return row(
        batch.batch_id,
        batch.input_id,
        feed.run_id,
        feed.source.source,
        feed.kind,
        batch.start.position,
        batch.end.position,
        batch.start.byte,
        feed.contract.digest,
        *batch.counts,
        batch.sent_at,
    )


def _reject_rows(batch: Batch[AnyFeed]) -> list[bytes]:
    return [
        row(
            batch.batch_id,
            reject.position,
            reject.reason.code,
            reject.reason.detail,
            reject.reason.pointer,
            reject.beginning,
            reject.first_byte,
            reject.length,
            reject.fingerprint,
            reject.erased_by,
        )
        for reject in batch.new_rejects
    ]
