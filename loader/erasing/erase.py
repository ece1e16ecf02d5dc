"""Erases documents from raw tables and the ledger in one transaction, as the role keeper, and lifts what bars them.

What makes an erasure complete (marts, predictions, files, pages) follows in `pipeline/erasing`, and can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from loader.erasing.bars import LOCK_ALONE, empty_stored
from loader.erasing.drift import subtract_drift
from loader.erasing.finding import find_more
from loader.erasing.secret import require_secret, secret_check
from loader.erasing.wanted import Found
from loader.errors import EraseRefused
from loader.undo.undo import LOCK_CHECKS, MARK_CHECKS
from waybill.identifiers import uuid7

PAGE = 200  # documents in memory at a time

RECORDED = "select source, documents, rejects from ledger.erasures where erasure_id = %s"

CHECKS = """
select erasures.source, erasures.erasure_id::text, erasures.secret_check
from ledger.erasures
where
    (%(source)s is null or erasures.source = %(source)s)
    and erasures.erasure_id in (select bars.erasure_id from ledger.barred_keys as bars)
"""

RECORD = """
insert into ledger.erasures
    (erasure_id, run_id, source, key_types, secret_check, keys, documents, rejects, models, erased_at)
values (%s, %s, %s, %s, %s, %s, 0, 0, %s, coalesce(%s, clock_timestamp()))
"""

BAR = "insert into ledger.barred_keys (source, key_hash, erasure_id) values %s"

DELETE = """
delete from raw.{}
using unnest(%s::uuid[], %s::bigint[]) as given (batch_id, position)
where _batch_id = given.batch_id and _position = given.position
returning _batch_id::text, _position, case
    when exists (select from ledger.drift where drift.batch_id = _batch_id) then document::text
end
"""

ENTER = "insert into ledger.erased_documents (batch_id, position, erasure_id) values %s on conflict do nothing"

COUNT = "update ledger.erasures set documents = %s, rejects = %s where erasure_id = %s"

UNFINISHED = """
select erasure_id::text, run_id::text, source, keys, documents, rejects, models, erased_at
from ledger.erasures
where completed_at is null
order by erased_at, erasure_id
"""

COMPLETE = """
update ledger.erasures set completed_at = clock_timestamp(), certificate = %s
where erasure_id = %s and completed_at is null
"""

REPLACE_POLICY = "update ledger.erasures set models = %s where erasure_id = %s and completed_at is null"

BARRED = """
select array(select key_hash from ledger.barred_keys where source = %s and key_hash = any(%s)), clock_timestamp()::text
"""

LIFT = "delete from ledger.barred_keys where source = %s and key_hash = any(%s) returning key_hash"


@dataclass(frozen=True)
class Order:
    """Who erases: the run, and what becomes of models. `erasure_id` and `erased_at` are given to do one again."""

    run_id: UUID
    models: str
    erasure_id: UUID = field(default_factory=uuid7)
    erased_at: datetime | None = None


@dataclass(frozen=True)
class Erased:
    """An erasure as the ledger has it: how many documents and rejects were erased."""

    erasure_id: str
    source: str
    documents: int
    rejects: int


@dataclass(frozen=True)
class Unfinished:
    """An erasure whose transaction was committed, but which is not complete yet."""

    erasure_id: str
    run_id: str
    source: str
    keys: int
    documents: int
    rejects: int
    models: str
    erased_at: datetime


def record(keeper: Connection, found: Found, order: Order) -> Erased:
    """Erase what was found, and what of it landed since, in one transaction, which is safe to repeat.

    1. Wait for loaders of the source, and let none begin until the end.
    2. Find what landed since.
    3. Record the erasure, and bar the keys.
    4. Delete the raw rows, and record each as erased.
    5. Empty the rejects.
    6. Subtract the documents' fields from the drift of their batches.
    7. Mark the checks of models as outdated, as `undo` does.

    Raises:
        EraseRefused: the source has bars that were made with another secret; nothing was erased.
        psycopg2.Error: the server failed; nothing was erased, unless a rerun finds the erasure recorded.
    """
    wanted = found.wanted
    with keeper, keeper.cursor() as cursor:
        cursor.execute(LOCK_ALONE, [wanted.name])  # 1.
        if recorded := _recorded(cursor, order.erasure_id):
            return recorded
        require_same_secret(cursor, wanted.secret)
        find_more(keeper, found)  # 2.
        _record(cursor, found, order)  # 3.
        places = list(found.documents)
        documents = 0
        for start in range(0, len(places), PAGE):
            documents += _delete(cursor, wanted.name, places[start : start + PAGE], order.erasure_id)  # 4. 6.
        rejects = _empty(
            cursor, [(reject.batch_id, reject.position) for reject in found.rejects], order.erasure_id
        )  # 5.
        cursor.execute(COUNT, [documents, rejects, str(order.erasure_id)])
        cursor.execute(LOCK_CHECKS)  # 7.
        cursor.execute(MARK_CHECKS)
    return Erased(str(order.erasure_id), wanted.name, documents, rejects)


def require_same_secret(cursor: Cursor, secret: bytes | None, source: str | None = None) -> None:
    """Raise EraseRefused unless the secret is the one that all bars, or those of one source, were made with."""
    cursor.execute(CHECKS, {"source": source})
    for barring, erasure_id, check in cursor.fetchall():
        require_secret(secret, barring, erasure_id, bytes(check))


def unfinished(connection: Connection) -> list[Unfinished]:
    """Return the erasures that are to be continued, in the order in which they began."""
    with connection, connection.cursor() as cursor:
        cursor.execute(UNFINISHED)
        return [Unfinished(*row) for row in cursor.fetchall()]


def replace_policy(keeper: Connection, erasure_id: str, models: str) -> None:
    """Change what becomes of models in an erasure that is not complete."""
    with keeper, keeper.cursor() as cursor:
        cursor.execute(REPLACE_POLICY, [models, erasure_id])


def complete(keeper: Connection, erasure_id: UUID | str, certificate: Mapping[str, Any]) -> None:
    """Record that nothing that Waybill keeps holds a copy any more; does not change one that is complete."""
    with keeper, keeper.cursor() as cursor:
        cursor.execute(COMPLETE, [Json(dict(certificate)), str(erasure_id)])


def barred(
    keeper: Connection, source: str, hashes: Collection[bytes], secret: bytes | None
) -> tuple[frozenset[bytes], str]:
    """Return which of some hashes are of keys that may not land, and the server's time.

    Raises:
        EraseRefused: the source has bars that were made with another secret.
    """
    with keeper, keeper.cursor() as cursor:
        require_same_secret(cursor, secret, source)
        cursor.execute(BARRED, [source, list(hashes)])
        found, now = cursor.fetchone()  # type: ignore[misc]
        return frozenset(map(bytes, found)), now


def lift(keeper: Connection, source: str, hashes: Collection[bytes], secret: bytes | None) -> frozenset[bytes]:
    """Let keys land again; return the hashes that were barred. What was erased does not come back by itself.

    Raises:
        EraseRefused: the source has bars that were made with another secret.
    """
    with keeper, keeper.cursor() as cursor:
        cursor.execute(LOCK_ALONE, [source])
        require_same_secret(cursor, secret, source)
        cursor.execute(LIFT, [source, list(hashes)])
        return frozenset(bytes(found) for (found,) in cursor.fetchall())


def _recorded(cursor: Cursor, erasure_id: UUID) -> Erased | None:
    cursor.execute(RECORDED, [str(erasure_id)])
    row = cursor.fetchone()
    return Erased(str(erasure_id), *row) if row else None


def _record(cursor: Cursor, found: Found, order: Order) -> None:
    wanted, hashes = found.wanted, sorted(found.hashes)
    if wanted.secret is None:
        raise EraseRefused(f"documents of {wanted.name} cannot be erased without the secret of erasures")
    key_types = Json([list(field) for field in wanted.key_types]) if wanted.key_types else None
    check = secret_check(wanted.secret, order.erasure_id)
    erasure_id = str(order.erasure_id)
    values = [erasure_id, str(order.run_id), wanted.name, key_types, check, len(hashes), order.models, order.erased_at]
    cursor.execute(RECORD, values)
    if hashes:
        execute_values(cursor, BAR, [(wanted.name, one, erasure_id) for one in hashes], page_size=PAGE)


def _delete(cursor: Cursor, source: str, places: Sequence[tuple[str, int]], erasure_id: UUID) -> int:
    """Delete documents from the raw table, with what the ledger says of their fields; return how many there were."""
    batches, positions = zip(*places, strict=True)
    cursor.execute(sql.SQL(DELETE).format(sql.Identifier(source)), [list(batches), list(positions)])
    deleted = cursor.fetchall()
    rows = [(batch_id, position, str(erasure_id)) for batch_id, position, _ in deleted]
    if rows:
        execute_values(cursor, ENTER, rows, page_size=len(rows))
        subtract_drift(cursor, [(batch_id, document) for batch_id, _, document in deleted])
    return len(rows)


def _empty(cursor: Cursor, places: Sequence[tuple[str, int]], erasure_id: UUID) -> int:
    return empty_stored(cursor, [(batch_id, position, str(erasure_id)) for batch_id, position in places])
