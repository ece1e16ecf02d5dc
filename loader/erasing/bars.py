"""Recognises documents whose keys were erased before they land; the loader then keeps nothing but their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.declarations import Source
from loader.erasing.key_texts import keys_in_pieces
from loader.erasing.keys import KeyOf, KeyTypes
from loader.erasing.searched_rejects import forms_of_reject
from loader.erasing.secret import key_hash, read_secret, require_secret
from loader.landing.batch import AnyFeed, Batch
from loader.reading.byte_ranges import Reject
from waybill.settings import get_settings

# An erasure of the source holds this lock alone. Two statements: what it committed must be visible after the wait.
BARS = """
select pg_advisory_xact_lock_shared(hashtextextended('waybill: erasing ' || %(source)s, 0));
select erasures.key_types, array_agg(erasures.erasure_id::text order by erasures.erasure_id),
    (array_agg(erasures.secret_check order by erasures.erasure_id))[1]
from ledger.erasures
where
    erasures.source = %(source)s
    and exists (select from ledger.barred_keys as bars where bars.erasure_id = erasures.erasure_id)
group by erasures.key_types
"""

LOCK_ALONE = "select pg_advisory_xact_lock(hashtextextended('waybill: erasing ' || %s, 0))"

FIRST_BARS = "select key_hash, erasure_id::text from ledger.barred_keys where source = %s limit %s"
BARRED = "select key_hash, erasure_id::text from ledger.barred_keys where source = %s and key_hash = any(%s)"
EMPTY = """
update ledger.rejects
set bytes = '', detail = %s, pointer = null, fingerprint = %s, erased_by = given.erased_by
from unnest(%s::uuid[], %s::bigint[], %s::uuid[]) as given (batch_id, position, erased_by)
where rejects.batch_id = given.batch_id and rejects.position = given.position
"""
MAX_BARS = 10_000  # that are fetched; if there are more, PostgreSQL is asked about the keys of the batches

ERASED = "erased"
NO_FINGERPRINT = UUID(int=0)


@dataclass(frozen=True)
class Bars:
    """The bars of one source: the secret, and the erasures by the key's fields and types that they recognise it by."""

    source: Source
    secret: bytes
    erasures: Sequence[tuple[KeyTypes, frozenset[str]]]


def read_bars(cursor: Cursor, source: Source) -> Bars | None:
    """Return the bars of a source, and keep erasures of the source from beginning until the transaction ends.

    Raises:
        EraseRefused: the source has bars, and the secret is missing or another one; nothing of it may land.
    """
    cursor.execute(BARS, {"source": source.source})
    rows = cursor.fetchall()
    if not rows:
        return None
    secret = read_secret(get_settings())
    for _, erasures, check in rows:
        require_secret(secret, source.source, erasures[0], bytes(check))
    return Bars(source, secret or b"", [(_key_types(stored), frozenset(erasures)) for stored, erasures, _ in rows])


def bar(cursor: Cursor, bars: Bars, batches: Sequence[Batch[AnyFeed]]) -> None:
    """Take barred documents and rejects out of batches of one source, which keep only their number."""
    source = bars.source.source
    barred = _bars(cursor, bars, FIRST_BARS, [source, MAX_BARS + 1])
    are_all = cursor.rowcount <= MAX_BARS  # several erasures can bar the same key
    found = [
        (number, digest, batch.batch_id, position, is_reject)
        for number, (key_types, _) in enumerate(bars.erasures)
        for batch in batches
        for position, is_reject, key in _keys(batch, KeyOf(bars.source, key_types))
        if (digest := key_hash(bars.secret, source, key)) in barred[number] or not are_all
    ]
    if not are_all:
        barred = _bars(cursor, bars, BARRED, [source, [digest for _, digest, *_ in found]])
    documents: dict[UUID, dict[int, UUID]] = {}
    rejects: dict[UUID, dict[int, UUID]] = {}
    for number, digest, batch_id, position, is_reject in found:
        if erasure_id := barred[number].get(digest):
            (rejects if is_reject else documents).setdefault(batch_id, {})[position] = erasure_id
    for batch in batches:
        batch.bar(documents.get(batch.batch_id, {}))
        erased = rejects.get(batch.batch_id, {})
        batch.rejects = [emptied(reject, erased.get(reject.position)) for reject in batch.rejects]


def _bars(cursor: Cursor, bars: Bars, statement: str, values: list[object]) -> list[dict[bytes, UUID]]:
    """Return hash → erasure, for each set of key types on its own: the same hash can be another key for another one."""
    cursor.execute(statement, values)
    found = cursor.fetchall()
    return [
        {bytes(digest): UUID(erasure_id) for digest, erasure_id in found if erasure_id in erasures}
        for _, erasures in bars.erasures
    ]


def emptied(reject: Reject, erasure_id: UUID | None) -> Reject:
    """Return a reject without its bytes and what describes them; unchanged if no erasure is given."""
    if erasure_id is None:
        return reject
    reason = replace(reject.reason, detail=ERASED, pointer=None)
    return replace(reject, beginning=b"", fingerprint=NO_FINGERPRINT, reason=reason, erased_by=erasure_id)


def empty_stored(cursor: Cursor, places: Iterable[tuple[str, int, str]]) -> int:
    """Empty rejects of the ledger, given as batch, position and erasure, as `emptied` does; return their number."""
    columns = [list(column) for column in zip(*places, strict=True)] or [[], [], []]
    cursor.execute(EMPTY, [ERASED, str(NO_FINGERPRINT), *columns])
    return cursor.rowcount


def _keys(batch: Batch[AnyFeed], reader: KeyOf) -> Iterable[tuple[int, bool, str]]:
    """Yield position, whether it is a reject, and key of everything in a batch that has a key."""
    for position, document in batch.documents():
        if key := reader.of_document(document).identity:
            yield position, False, key
    for position, message_key in batch.nulls.items():
        if key := reader.of_message_key(message_key).identity:
            yield position, False, key
    for reject in batch.new_rejects:
        yield from ((reject.position, True, key) for key in _keys_of_reject(reader, reject))


def _keys_of_reject(reader: KeyOf, reject: Reject) -> Iterable[str]:
    """Return the key of a reject's bytes or, if they are not one document with a key, those they seem to hold."""
    if reject.length == len(reject.beginning):
        forms = forms_of_reject(reader, reject.beginning, reject.reason.pointer)
        if forms.identity:
            return [forms.identity]
    return [forms.identity for forms in keys_in_pieces(reader, reject.beginning) if forms.identity]


def _key_types(stored: list[list[str]] | None) -> KeyTypes:
    return [(pointer, kind) for pointer, kind in stored or []]
