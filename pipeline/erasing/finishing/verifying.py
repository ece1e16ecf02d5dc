"""Checks that no row of an erased document is left: in the raw table, the ledger, what dbt built, and predictions."""

from __future__ import annotations

from contextlib import closing

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.declarations import read_source
from loader.erasing.finding import find, storable
from loader.erasing.secret import key_hash, read_secret
from loader.erasing.wanted import Wanted
from ml.erasing.erase import count_left
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.holding import count_holding, count_in_texts, pattern_of
from pipeline.erasing.kinds import Relation
from pipeline.erasing.outside import left_over_relations
from pipeline.errors import EraseIncomplete
from warehouse.connection import connect
from warehouse.outcomes import HAS_OUTCOMES
from waybill.settings import get_settings
from waybill.text import counted

BARS = """
select erasures.key_types, array(
    select bars.key_hash
    from ledger.barred_keys as bars
    inner join ledger.erasures as barring on bars.erasure_id = barring.erasure_id
    where bars.source = erasures.source and barring.key_types is not distinct from erasures.key_types
)
from ledger.erasures where erasure_id = %s
"""
COLUMNS = """
select attributes.attname
from pg_attribute as attributes
inner join pg_class as tables on attributes.attrelid = tables.oid
where attributes.attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attributes.attnum > 0
    and not attributes.attisdropped and tables.relkind in ('r', 'm', 'p')
"""
PLACE = {"_batch_id", "_position"}  # a row without them is made from rows that have them
BY_PLACE = """
select count(*) from {} as held
where held._batch_id = %(erasure)s::uuid or (held._batch_id, held._position) in (
    select batch_id, position from ledger.erased_documents where erasure_id = %(erasure)s::uuid
)
"""
# What users have named, and what came around documents: an erase cannot tell what of it is personal.
LEDGER_TEXTS = {
    "inputs": ("name", "envelope"),
    "input_names": ("name",),
    "runs": ("command",),
    "undone_batches": ("reason",),
}
SHOWN = "select count(*) from intermediate.document_outcomes where source = %s and document_key = any(%s)"
SHOWN_KEYS = "select document_key from intermediate.document_outcomes where source = %s and document_key is not null"


def verify(erasing: Erasing) -> str:
    """Count what is left of the erased documents; return a summary of what was looked at.

    Raises:
        EraseIncomplete: something is left.
    """
    left, looked_at = _left_in_raw(erasing)
    not_compared: list[str] = []
    with closing(connect("owner")) as owner:
        for relation in [*erasing.downstream.stored, *erasing.outside]:
            if (columns := _columns(owner, relation)) >= PLACE:
                looked_at.append(str(relation))
                left[str(relation)] = _count(owner, erasing, relation)
            elif columns:
                not_compared.append(str(relation))
        _name_outside(owner, erasing)
        name_texts(owner, erasing)
    kept = erasing.found.get("rows_of_other_keys_kept", {})
    for name, number in (count_left(erasing.marts) if erasing.marts else {}).items():
        left[name] = max(0, number - kept.get(name, 0))
    found = {name: number for name, number in left.items() if number}
    if found:
        places = ", ".join(f"{name} ({counted(number, 'row')})" for name, number in found.items())
        raise EraseIncomplete(f"rows of erased documents are left in {places}")
    erasing.found |= {"looked_at": looked_at, "built_again_and_not_compared": not_compared}
    others = f"; {len(not_compared)} more do not say which documents their rows are of" if not_compared else ""
    return f"no row is left in {counted(len(looked_at), 'table')}{others}"


def _left_in_raw(erasing: Erasing) -> tuple[dict[str, int], list[str]]:
    """Return what is left in the raw table, the rejects and the outcomes, by the hashes of the keys."""
    with closing(connect("keeper")) as keeper, keeper, keeper.cursor() as cursor:
        cursor.execute(BARS, [erasing.recorded.erasure_id])
        key_types, bars = cursor.fetchone()  # type: ignore[misc]
    hashes, secret = frozenset(map(bytes, bars)), read_secret(get_settings())
    fields = [(pointer, kind) for pointer, kind in key_types or []]
    with closing(connect("reader")) as reader:
        found = find(reader, Wanted(read_source(erasing.source), fields, hashes=hashes, secret=secret))
        with reader, reader.cursor() as cursor:
            shown = _shown(cursor, erasing, secret or b"", hashes)
    erasing.found |= {"documents_read": found.documents_read, "rejects_read": found.rejects_read}
    erasing.found["rejects_that_nobody_can_tell"] = len(found.perhaps)
    left = {f"raw.{erasing.source}": len(found.documents), "ledger.rejects": len(found.rejects)}
    return {**left, "intermediate.document_outcomes": shown}, list(left)


def _shown(cursor: Cursor, erasing: Erasing, secret: bytes, hashes: frozenset[bytes]) -> int:
    """Return how many documents dbt shows under an erased key: those of all erasures, unless the keys are known."""
    cursor.execute(HAS_OUTCOMES)
    if not cursor.fetchone()[0]:  # type: ignore[index]
        return 0
    if erasing.keys:
        cursor.execute(SHOWN, [erasing.source, storable(erasing.keys)])
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]
    cursor.execute(SHOWN_KEYS, [erasing.source])
    return sum(key_hash(secret, erasing.source, key) in hashes for (key,) in cursor)


def _columns(owner: Connection, relation: Relation) -> set[str]:
    """Return the columns of a table; none of anything else."""
    with owner, owner.cursor() as cursor:
        cursor.execute(COLUMNS, [relation.schema, relation.name])
        return {name for (name,) in cursor.fetchall()}


def _count(owner: Connection, erasing: Erasing, relation: Relation) -> int:
    """Return how many rows of a relation are of an erased document, by its batch and position.

    A key in any column is not counted: other sources may refer to it.
    """
    with owner, owner.cursor() as cursor:
        name = sql.Identifier(relation.schema, relation.name)
        cursor.execute(sql.SQL(BY_PLACE).format(name), {"erasure": erasing.recorded.erasure_id})
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def _name_outside(owner: Connection, erasing: Erasing) -> None:
    """Name the tables that no model makes and that hold a key, if the keys are known."""
    known = set(map(str, erasing.outside))
    left_over = left_over_relations(owner, erasing.lineage)
    outside = [*erasing.outside, *(relation for relation in left_over if str(relation) not in known)]
    for relation, number in count_holding(owner, outside, erasing.keys).items():
        if number is None or number:
            rows = "cannot be read" if number is None else f"{counted(number, 'row')} with an erased key"
            erasing.left_to_others.append(f"{relation}, which no model makes: {rows}")


def name_texts(owner: Connection, erasing: Erasing) -> None:
    """Name the texts of the ledger that hold a key, if the keys are known."""
    _, in_text = pattern_of(erasing.keys)
    if in_text is None:
        return
    for name, columns in LEDGER_TEXTS.items():
        if number := count_in_texts(owner, f"ledger.{name}", columns=columns, in_text=in_text):
            where = f"ledger.{name} ({', '.join(columns)})"
            erasing.left_to_others.append(f"{where}: {counted(number, 'row')} with an erased key in a text")
