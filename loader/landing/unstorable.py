"""Finds the documents that PostgreSQL refuses although Python accepted them, a few megabytes per query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg2 import DataError
from psycopg2.errors import InternalError_, ProgramLimitExceeded, StatementTooComplex
from psycopg2.extensions import cursor as Cursor

from loader.checking.checker import RejectReason
from loader.landing.batch import AnyFeed, Batch

QUERY_BYTES = 4 << 20
# PostgreSQL's errors for a document that it cannot store: not jsonb, too deep, too large, too many elements for memory
DOCUMENT_ERRORS = (DataError, StatementTooComplex, ProgramLimitExceeded, InternalError_)

UNSTORABLE = """
select given.number, (pg_input_error_info(given.document, 'jsonb')).message
from unnest(%s::text[]) with ordinality as given (document, number)
where not pg_input_is_valid(given.document, 'jsonb')
"""

Reasons = dict[UUID, dict[int, RejectReason]]  # by batch and position


@dataclass(frozen=True)
class Candidate:
    """A document that PostgreSQL may refuse."""

    batch_id: UUID
    position: int
    text: str


def reject_unstorable(cursor: Cursor, batches: Sequence[Batch[AnyFeed]]) -> None:
    """Turn the documents that cannot be stored as jsonb into rejects.

    PostgreSQL names most bad documents directly. If the query itself fails, bisect until the one bad document is found.
    """
    reasons: Reasons = defaultdict(dict)
    candidates: list[Candidate] = []
    size = 0
    cursor.execute("savepoint before_query")
    for batch in batches:
        for position, document in batch.documents():
            candidates.append(Candidate(batch.batch_id, position, document.decode()))
            size += len(document)
            if size >= QUERY_BYTES:
                _find(cursor, candidates, reasons)
                candidates, size = [], 0
    _find(cursor, candidates, reasons)
    cursor.execute("release savepoint before_query")
    for batch in batches:
        if batch.batch_id in reasons:
            batch.reject(reasons[batch.batch_id])


def _find(cursor: Cursor, candidates: list[Candidate], reasons: Reasons) -> None:
    """Add the reason of each candidate that cannot be stored."""
    try:
        cursor.execute(UNSTORABLE, [[candidate.text for candidate in candidates]])
        found = cursor.fetchall()
    except DOCUMENT_ERRORS as error:
        cursor.execute("rollback to savepoint before_query")
        if len(candidates) > 1:
            half = len(candidates) // 2
            _find(cursor, candidates[:half], reasons)
            _find(cursor, candidates[half:], reasons)
            return
        found = [(1, error.diag.message_primary or type(error).__name__)]
    for number, message in found:
        candidate = candidates[number - 1]
        reasons[candidate.batch_id][candidate.position] = RejectReason("not_storable", f"PostgreSQL: {message}")
