"""Erases landed documents as the keeper does, without looking for keys: raw rows go, the ledger keeps where they were."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from warehouse.connection import engine
from waybill.identifiers import uuid7

RUN = "insert into ledger.runs (run_id, command, versions) values (:erasure_id, 'test', '{}')"
RECORD = """
insert into ledger.erasures (erasure_id, run_id, source, secret_check, keys, documents, rejects, models)
values (:erasure_id, :erasure_id, :source, '', 1, :documents, 0, 'keep-marked')
"""
REMEMBER = (
    "insert into ledger.erased_documents (batch_id, position, erasure_id) values (:batch_id, :position, :erasure_id)"
)
DELETE = "delete from raw.{} where _batch_id = :batch_id and _position = :position"
OF_KEY = """
select outcomes._batch_id, outcomes._position
from intermediate.document_outcomes as outcomes
where outcomes.source = :source and outcomes.document_key = :key and outcomes.outcome <> 'undone'
"""


def erase_rows(source: str, *documents: tuple[UUID, int]) -> UUID:
    """Erase the documents, each a batch and a position; return the erasure's id."""
    erasure_id = uuid7()
    places = [{"batch_id": batch, "position": position, "erasure_id": erasure_id} for batch, position in documents]
    with engine("owner").begin() as database:
        database.execute(text(RUN), {"erasure_id": erasure_id})
    with engine("keeper").begin() as database:
        database.execute(text(RECORD), {"erasure_id": erasure_id, "source": source, "documents": len(documents)})
        if places:
            database.execute(text(REMEMBER), places)
            database.execute(text(DELETE.format(source)), places)
    return erasure_id


def erase_key(source: str, key: str) -> UUID:
    """Erase all documents of a key that a dbt run has seen."""
    with engine("owner").connect() as database:
        found: Iterable[tuple[UUID, int]] = database.execute(text(OF_KEY), {"source": source, "key": key}).all()  # type: ignore[assignment]
        return erase_rows(source, *((batch, position) for batch, position in found))
