"""Finds the documents and rejects that are to be erased, in flat memory: rows are read one after the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import orjson
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.erasing.conditions import meets
from loader.erasing.jsonb_text import load_exact
from loader.erasing.keys import NO_KEY, KeyForms, KeyOf
from loader.erasing.searched_rejects import find_rejects
from loader.erasing.wanted import Found, FoundDocument, Wanted
from loader.errors import EraseRefused
from waybill.json_pointers import split_pointer

PAGE = 5_000  # rows of documents in memory at a time
UNSTORABLE = re.compile("[\\0\ud800-\udfff]")

BATCHES = "select batch_id::text from ledger.batches where source = %s"

NAMES = "select batch_id::text, input_name from ledger.named_batches where batch_id = any(%s::uuid[])"

ROWS = """
select _batch_id::text, _position, {values}, {document}
from raw.{source}
where _batch_id = any(%s::uuid[])
"""

HAS_RAW_TABLE = "select to_regclass(%s) is not null"

HAS_MESSAGE_KEYS = """
select exists (
    select from pg_attribute where attrelid = to_regclass(%s) and attname = '_message_key' and not attisdropped
)
"""

# The keeper may not read what dbt has made. It finds what landed since dbt last ran.
HAS_OUTCOMES = """
select case
    when has_schema_privilege('intermediate', 'usage') then to_regclass('intermediate.document_outcomes') is not null
    else false
end
"""

# What dbt shows under these keys, whatever Python reads from the documents.
SHOWN = """
select _batch_id::text, _position from intermediate.document_outcomes where source = %s and document_key = any(%s)
"""

SHOWN_KEYS = (
    "select distinct document_key from intermediate.document_outcomes where source = %s and document_key = any(%s)"
)

OTHER_SOURCES = """
select distinct source from intermediate.document_outcomes where source <> %s and document_key = any(%s) order by 1
"""


def find(connection: Connection, wanted: Wanted) -> Found:
    """Find what is to be erased, without changing anything, as the role reader.

    The memory that this takes grows with what is found, and with the number of batches, but not with the documents.

    Raises:
        EraseRefused: a key is not a text that PostgreSQL can store, so no document has it.
    """
    if storable(wanted.keys) != sorted(wanted.keys):
        raise EraseRefused(f"a key of {wanted.name} is not UTF-8, or has a NUL character: give keys as the marts do")
    found = Found(wanted)
    with connection:
        find_more(connection, found)
    return found


def find_more(connection: Connection, found: Found) -> None:
    """Add what landed since something was found; everything is read again if that led to further keys.

    Rejects come after documents, because those name texts to look for, and can themselves lead to further keys.
    """
    wanted = found.wanted
    with connection.cursor() as cursor:
        every = {batch_id for (batch_id,) in _rows(cursor, BATCHES, [wanted.name])}
        todo, is_first = every - found.batches, True
        while todo or is_first:
            known, is_first = wanted.keys | found.keys, False
            shown = _shown_documents(cursor, found) | wanted.positions
            if todo and _has_raw_table(cursor, wanted.name):
                _read_documents(connection, found, todo, shown)
            find_rejects(connection, found)
            found.batches |= todo
            new = {key for key in found.keys - known if not wanted.has_hash_of(key)}
            todo = every if new else set()
        _name_inputs(cursor, found)
        if _one(cursor, HAS_OUTCOMES):
            keys = storable(wanted.keys | found.keys)
            found.other_sources = [name for (name,) in _rows(cursor, OTHER_SOURCES, [wanted.name, keys])]


def _read_documents(
    connection: Connection, found: Found, batches: Collection[str], shown: Collection[tuple[str, int]]
) -> None:
    """Read the documents of batches; add those that are to be erased."""
    wanted = found.wanted
    key_of = KeyOf(wanted.source, wanted.key_types)
    for batch_id, position, values, document in _documents(connection, wanted, batches):
        found.documents_read += 1
        forms = _forms(key_of, values, document)
        is_asked_for = (batch_id, position) in shown or _meets(document, wanted)
        if is_asked_for or found.has(forms):
            found.add(forms)
            found.documents[batch_id, position] = FoundDocument(batch_id, position)
            if not forms.identity:
                found.without_key.add((batch_id, position))


def _documents(
    connection: Connection, wanted: Wanted, batches: Collection[str]
) -> Iterator[tuple[str, int, str | None, str | None]]:
    """Yield batch and position of each document, the values of its key as a JSON array, and itself if needed."""
    with connection.cursor() as cursor:
        has_message_keys = _one(cursor, HAS_MESSAGE_KEYS, [f'raw."{wanted.name}"'])
    pointers = [pointer for pointer, _ in wanted.key_types]
    fields = sql.SQL(", ").join(sql.SQL("document #> {}").format(sql.Literal(split_pointer(one))) for one in pointers)
    values = sql.SQL("jsonb_build_array({})").format(fields)
    if has_message_keys:
        values = sql.SQL("coalesce(_message_key, {})").format(values)
    needs_document = bool(wanted.where) or not pointers
    statement = sql.SQL(ROWS).format(
        values=sql.SQL("{}::text").format(values) if pointers else sql.SQL("null"),
        document=sql.SQL("document::text" if needs_document else "null"),
        source=sql.Identifier(wanted.name),
    )
    with connection.cursor("documents_to_erase") as rows:
        rows.itersize = PAGE
        rows.execute(statement, [list(batches)])
        yield from rows


def _forms(key_of: KeyOf, values: str | None, document: str | None) -> KeyForms:
    if values is not None:
        return key_of.of_message_key(values)
    return key_of.of_document(document) if document is not None else NO_KEY


def _meets(document: str | None, wanted: Wanted) -> bool:
    if not wanted.where or document is None:
        return False
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        parsed = load_exact(document)
    return meets(parsed, wanted.where)


def _shown_documents(cursor: Cursor, found: Found) -> set[tuple[str, int]]:
    """Return the documents that dbt shows under one of the keys asked for."""
    wanted = found.wanted
    if not wanted.keys or not _one(cursor, HAS_OUTCOMES):
        return set()
    return set(_rows(cursor, SHOWN, [wanted.name, sorted(wanted.keys)]))


def find_shown(connection: Connection, found: Found, keys: Sequence[str]) -> None:
    """Add those of the keys under which dbt still shows documents that an undo has taken from the raw table."""
    with connection, connection.cursor() as cursor:
        if _one(cursor, HAS_OUTCOMES):
            found.shown = {key for (key,) in _rows(cursor, SHOWN_KEYS, [found.wanted.name, list(keys)])}
    found.matched |= found.shown
    found.keys |= found.shown


def _name_inputs(cursor: Cursor, found: Found) -> None:
    batches = {batch_id for batch_id, _ in found.documents}
    names = dict(_rows(cursor, NAMES, [sorted(batches)]))
    found.documents = {
        place: document._replace(input_name=names.get(document.batch_id, ""))
        for place, document in found.documents.items()
    }


def storable(keys: Iterable[str]) -> list[str]:
    """Return the keys that PostgreSQL can store: without NUL and halves of surrogate pairs, as rejects can have."""
    return sorted(key for key in keys if not UNSTORABLE.search(key))


def _has_raw_table(cursor: Cursor, source: str) -> bool:
    return bool(_one(cursor, HAS_RAW_TABLE, [f'raw."{source}"']))


def _rows(cursor: Cursor, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    cursor.execute(statement, values)
    return cursor.fetchall()


def _one(cursor: Cursor, statement: str, values: list[Any] | None = None) -> Any:
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return row[0] if row else None
