"""Asks PostgreSQL which documents it refuses although Python took them, some megabytes a round trip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.checks import Refusal
from loader.part import From, Part

ASKED_BYTES = 4 << 20

REFUSED = """
select given.number, (pg_input_error_info(given.document, 'jsonb')).message
from unnest(%s::text[]) with ordinality as given (document, number)
where not pg_input_is_valid(given.document, 'jsonb')
"""


def ask_which(cursor: Cursor, parts: Sequence[Part[From]]) -> None:
    """Turn into rejects what cannot be stored as jsonb."""
    asked: list[tuple[Part[From], int, str]] = []
    refusals: dict[UUID, dict[int, Refusal]] = defaultdict(dict)
    size = 0
    for part in parts:
        for position, document in part.documents():
            asked.append((part, position, document.decode()))
            size += len(document)
            if size >= ASKED_BYTES:
                _ask(cursor, asked, refusals)
                asked, size = [], 0
    _ask(cursor, asked, refusals)
    for part in parts:
        if part.batch_id in refusals:
            part.refuse(refusals[part.batch_id])


def _ask(cursor: Cursor, asked: list[tuple[Part[From], int, str]], refusals: dict[UUID, dict[int, Refusal]]) -> None:
    cursor.execute(REFUSED, [[document for _, _, document in asked]])
    for number, message in cursor.fetchall():
        part, position, _ = asked[number - 1]
        refusals[part.batch_id][position] = Refusal("not_storable", f"PostgreSQL: {message}")
