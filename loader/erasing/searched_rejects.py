"""Finds the rejects that hold a document to erase: by its key or, if they have none, by the key's values as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import orjson
from psycopg2.extensions import connection as Connection

from loader.erasing.conditions import meets
from loader.erasing.jsonb_text import load_exact
from loader.erasing.key_texts import KeyText, KeyTexts, named_keys, words_as_keys
from loader.erasing.keys import NO_KEY, KeyForms, KeyOf
from loader.erasing.wanted import Found, FoundReject
from loader.landing.nulls import MESSAGE_KEY

PAGE = 20  # rejects in memory at a time; each can be as large as a document may be

REJECTS = """
select rejects.batch_id::text, rejects.position, rejects.replayed_by::text, rejects.pointer, rejects.bytes,
    rejects.length, inputs.name
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.source = %s and rejects.erased_by is null
order by inputs.name, rejects.position
"""

How = Literal["key", "text", "chance", "perhaps"]


def find_rejects(connection: Connection, found: Found) -> None:
    """Set the rejects that hold one of the documents, and those that perhaps do; again if that led to further keys."""
    known: set[str] | None = None
    while known != found.keys:
        known = set(found.keys)
        _find_rejects(connection, found)


def _find_rejects(connection: Connection, found: Found) -> None:
    found.rejects, found.perhaps, found.rejects_read = [], [], 0
    key_of = KeyOf(found.wanted.source, found.wanted.key_types)
    key_texts = _key_texts(found)
    for batch_id, position, replayed_by, pointer, kept, length, name in _rejects(connection, found):
        found.rejects_read += 1
        raw = bytes(kept)
        is_known = (batch_id, position) in found.wanted.positions or (replayed_by, position) in found.documents
        how = "key" if is_known else _how(found, key_of, key_texts, (raw, pointer, len(raw) == length))
        if how in ("chance", "perhaps"):
            found.perhaps.append(FoundReject(batch_id, position, name, how))
        elif how:
            found.rejects.append(FoundReject(batch_id, position, name, how))


def forms_of_reject(key_of: KeyOf, raw: bytes, pointer: str | None) -> KeyForms:
    """Return the key of a reject's bytes; none if they are not one document that has a key."""
    try:
        return key_of.of_message_key(raw) if pointer == MESSAGE_KEY else key_of.of_document(raw)
    except (ValueError, RecursionError):
        return NO_KEY


def _rejects(connection: Connection, found: Found) -> Iterator[Any]:
    with connection.cursor("rejects_to_erase") as rows:
        rows.itersize = PAGE
        rows.execute(REJECTS, [found.wanted.name])
        yield from rows


def _key_texts(found: Found) -> KeyTexts:
    """Return the texts of the keys that were found."""
    names = tuple(KeyOf(found.wanted.source, found.wanted.key_types).names)
    return KeyTexts(KeyText(parts, names) for parts in found.parts)


def _how(found: Found, key_of: KeyOf, key_texts: KeyTexts, reject: tuple[bytes, str | None, bool]) -> How | None:
    """Return how it is known that a reject (its bytes, pointer, and whether they are complete) holds a document."""
    raw, pointer, is_complete = reject
    if is_complete:
        forms = forms_of_reject(key_of, raw, pointer)
        if found.has(forms) or _meets(found, raw):
            found.add(forms)
            return "key"
        if forms.shown:
            return None
    named = [forms for forms in named_keys(key_of, raw) if found.has(forms)]
    for forms in named:
        found.add(forms)
    if named or any(found.knows(forms) for forms in words_as_keys(key_of, raw)):
        return "text"
    texts = key_texts.found_in(raw)
    if any(text.is_named_in(raw) for text in texts):
        return "text"
    return "chance" if texts else None if is_complete else "perhaps"


def _meets(found: Found, raw: bytes) -> bool:
    if not found.wanted.where:
        return False
    try:
        return meets(orjson.loads(raw), found.wanted.where)
    except orjson.JSONDecodeError:
        pass
    try:
        return meets(load_exact(raw), found.wanted.where)
    except (ValueError, RecursionError):
        return False
