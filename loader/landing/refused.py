"""Asks PostgreSQL which documents it refuses although Python took them, some megabytes a round trip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from psycopg2 import DataError, Error
from psycopg2.errors import InternalError_, ProgramLimitExceeded, StatementTooComplex
from psycopg2.extensions import cursor as Cursor

from loader.checking.checks import RejectReason
from loader.landing.batch import AnyFeed, Batch

ASKED_BYTES = 4 << 20
# what it says of a document that it cannot store: no jsonb, too deep, too large, more elements than it has memory for
DOCUMENT_ERRORS = (DataError, StatementTooComplex, ProgramLimitExceeded, InternalError_)

REFUSED = """
select given.number, (pg_input_error_info(given.document, 'jsonb')).message
from unnest(%s::text[]) with ordinality as given (document, number)
where not pg_input_is_valid(given.document, 'jsonb')
"""


def ask_which(cursor: Cursor, parts: Sequence[Batch[AnyFeed]]) -> None:
    """Turn into rejects what cannot be stored as jsonb.

    Of most it says so when asked; where the question itself fails, halves are asked until one document is left.
    """
    cursor.execute("savepoint asked")
    asked: list[tuple[Batch[AnyFeed], int, str]] = []
    refusals: dict[UUID, dict[int, RejectReason]] = defaultdict(dict)
    size = 0
    for part in parts:
        for position, document in part.documents():
            asked.append((part, position, document.decode()))
            size += len(document)
            if size >= ASKED_BYTES:
                _ask(cursor, asked, refusals)
                asked, size = [], 0
    _ask(cursor, asked, refusals)
    cursor.execute("release savepoint asked")
    for part in parts:
        if part.batch_id in refusals:
            part.refuse(refusals[part.batch_id])


def _ask(
    cursor: Cursor, asked: list[tuple[Batch[AnyFeed], int, str]], refusals: dict[UUID, dict[int, RejectReason]]
) -> None:
    try:
        cursor.execute(REFUSED, [[document for _, _, document in asked]])
        refused = cursor.fetchall()
    except DOCUMENT_ERRORS as error:
        cursor.execute("rollback to savepoint asked")
        if len(asked) > 1:
            half = len(asked) // 2
            _ask(cursor, asked[:half], refusals)
            _ask(cursor, asked[half:], refusals)
            return
        refused = [(1, _said(error))]
    for number, message in refused:
        part, position, _ = asked[number - 1]
        refusals[part.batch_id][position] = RejectReason("not_storable", f"PostgreSQL: {message}")


def _said(error: Error) -> str:
    return error.diag.message_primary or type(error).__name__
