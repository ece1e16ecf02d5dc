"""Reads lineages from the warehouse: of many documents with a fixed number of queries, of one in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from psycopg2 import sql

from loader.declarations import source_names
from loader.reading.input_files import InputFile
from loader.tracing.facts import (
    BatchFacts,
    Coordinate,
    DocumentId,
    ErasedFacts,
    FullLineage,
    LandedFacts,
    Lineage,
    OutcomeFacts,
    RejectFacts,
    SameKey,
    UndoneFacts,
)
from loader.tracing.marts import mart_rows
from loader.tracing.snapshot import Snapshot
from loader.tracing.source_bytes import find_source_bytes
from warehouse.outcomes import CURRENT

MAX_SAME_KEY = 20
ALL_BYTES = 2**30  # PostgreSQL keeps no value as large as this
OUTCOMES_TABLE = "intermediate.document_outcomes"

BATCHES = """
select batches.batch_id, batches.source, batches.feed, batches.committed_at, batches.run_id, batches.command,
    batches.input_id, batches.input_name, batches.digest, batches.layout, batches.first_position, batches.first_byte,
    inputs.records_at, inputs.replaced_at, inputs.envelope, inputs.envelope_left_out,
    batches.undone_at, batches.undone_by, batches.undone_reason, batches.undone_run_id, batches.is_reloaded
from ledger.named_batches as batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.batch_id = any(%(batches)s::uuid[])
"""

REJECTS = """
select rejects.batch_id, rejects.position, rejects.reason, rejects.detail, rejects.pointer, rejects.first_byte,
    rejects.length, rejects.fingerprint, substring(rejects.bytes from 1 for %(max_bytes)s), rejects.replayed_by
from ledger.rejects
inner join unnest(%(batches)s::uuid[], %(positions)s::bigint[]) as wanted (batch_id, position)
    on rejects.batch_id = wanted.batch_id and rejects.position = wanted.position
"""

ERASED = """
with erased as (
    select documents.batch_id, documents.position, documents.erasure_id
    from ledger.erased_documents as documents
    where documents.batch_id = any(%(batches)s::uuid[])
    union all
    select rejects.batch_id, rejects.position, rejects.erased_by
    from ledger.rejects
    where rejects.batch_id = any(%(batches)s::uuid[]) and rejects.erased_by is not null
)
select erased.batch_id, erased.position, erasures.erasure_id, erasures.erased_at, erasures.run_id,
    erasures.completed_at is not null, batches.committed_at > erasures.erased_at
from erased
inner join unnest(%(batches)s::uuid[], %(positions)s::bigint[]) as wanted (batch_id, position)
    on erased.batch_id = wanted.batch_id and erased.position = wanted.position
inner join ledger.erasures on erased.erasure_id = erasures.erasure_id
inner join ledger.batches on erased.batch_id = batches.batch_id
"""

LANDED = """
select raw._batch_id, raw._position, raw._fingerprint,
    case when %(max_characters)s > 0 then left(raw.document::text, %(max_characters)s) end
from raw.{source} as raw
inner join unnest(%(batches)s::uuid[], %(positions)s::bigint[]) as wanted (batch_id, position)
    on raw._batch_id = wanted.batch_id and raw._position = wanted.position
where raw._batch_id = any(%(batches)s::uuid[])
"""

OUTCOMES = """
select outcomes._batch_id, outcomes._position, outcomes.source, outcomes.outcome, outcomes.document_key,
    outcomes.reason, survivors.input_name, outcomes.surviving_batch_id, outcomes.surviving_position
from intermediate.document_outcomes as outcomes
inner join unnest(%(batches)s::uuid[], %(positions)s::bigint[]) as wanted (batch_id, position)
    on outcomes._batch_id = wanted.batch_id and outcomes._position = wanted.position
left join ledger.named_batches as survivors on outcomes.surviving_batch_id = survivors.batch_id
where outcomes._batch_id = any(%(batches)s::uuid[])
"""

CURRENT_DOCUMENT = """
select batches.input_name, outcomes._position
from intermediate.document_outcomes as outcomes
inner join ledger.named_batches as batches on outcomes._batch_id = batches.batch_id
where outcomes.source = %s and outcomes.document_key = %s and outcomes.outcome = %s
"""

SAME_KEY = """
select batches.input_name, outcomes._position, outcomes.outcome
from intermediate.document_outcomes as outcomes
inner join ledger.named_batches as batches on outcomes._batch_id = batches.batch_id
where
    outcomes.source = %(source)s
    and outcomes.document_key = %(key)s
    and (outcomes._batch_id, outcomes._position) <> (%(batch_id)s, %(position)s)
order by batches.committed_at, batches.input_name, outcomes._position
limit %(max_same_key)s
"""


def read_lineages(
    snapshot: Snapshot, documents: Sequence[DocumentId], *, max_bytes: int, max_characters: int
) -> list[Lineage]:
    """Return the lineage of each document, in the given order.

    The number of queries depends on the number of sources, not of documents. At most `max_bytes` of a reject and
    `max_characters` of a landed document are read.
    """
    wanted = {
        "batches": [document.batch_id for document in documents],
        "positions": [document.position for document in documents],
        "max_bytes": max_bytes,
        "max_characters": max_characters,
    }
    batches = _batches(snapshot, wanted)
    rejects = _rejects(snapshot, wanted)
    outcomes = _outcomes(snapshot, wanted)
    erased = {DocumentId(*row[:2]): ErasedFacts(*row[2:]) for row in snapshot.rows(ERASED, wanted)}
    sources = {batch.source for batch in batches.values()} | {outcome.source for outcome in outcomes.values()}
    landed = {
        DocumentId(*row[:2]): LandedFacts(*row[2:])
        for source in sorted(sources)
        if snapshot.has_table(f'raw."{source}"')  # it was dropped with its source
        for row in snapshot.rows(sql.SQL(LANDED).format(source=sql.Identifier(source)), wanted)
    }
    return [
        replace(
            _lineage(document, batches.get(document.batch_id), rejects.get(document), landed.get(document), outcomes),
            erased=erased.get(document),
        )
        for document in documents
    ]


def read_full_lineage(snapshot: Snapshot, document: DocumentId, at_hand: InputFile | None = None) -> FullLineage:
    """Return everything that is known of one document, with its source bytes read again and checked.

    `at_hand` is a file that may hold the document under another name than the one it was loaded from.
    """
    (lineage,) = read_lineages(snapshot, [document], max_bytes=ALL_BYTES, max_characters=0)
    outcome = lineage.outcome
    replayed_by = lineage.reject.replayed_by if lineage.reject else None
    replayed = DocumentId(replayed_by, document.position) if replayed_by else None
    return FullLineage(
        **{field.name: getattr(lineage, field.name) for field in fields(lineage)},
        is_modelled=not snapshot.has_table(OUTCOMES_TABLE) or _has_models(snapshot, lineage.source),
        source_bytes=find_source_bytes(snapshot, lineage, at_hand),
        current=_current(snapshot, outcome) if outcome else None,
        same_key=_same_key(snapshot, document, outcome) if outcome else (),
        mart_rows=mart_rows(snapshot, document) if outcome else (),
        replay=read_full_lineage(snapshot, replayed, at_hand) if replayed else None,
    )


def _has_models(snapshot: Snapshot, source: str) -> bool:
    return source in source_names() and snapshot.has_table(f"intermediate.int_{source}_outcomes")


def _batches(snapshot: Snapshot, wanted: dict[str, Any]) -> dict[str, BatchFacts]:
    found = {}
    for *values, undone_at, undone_by, reason, run_id, is_reloaded in snapshot.rows(BATCHES, wanted):
        undone = UndoneFacts(undone_at, undone_by, reason, run_id, bool(is_reloaded)) if undone_at else None
        found[values[0]] = replace(BatchFacts(*values), undone=undone)
    return found


def _rejects(snapshot: Snapshot, wanted: dict[str, Any]) -> dict[DocumentId, RejectFacts]:
    found = {}
    for row in snapshot.rows(REJECTS, wanted):
        batch_id, position, reason, detail, pointer, first_byte, length, fingerprint, kept, replayed_by = row
        found[DocumentId(batch_id, position)] = RejectFacts(
            reason, detail, pointer, first_byte, length, fingerprint, bytes(kept), replayed_by
        )
    return found


def _outcomes(snapshot: Snapshot, wanted: dict[str, Any]) -> dict[DocumentId, OutcomeFacts]:
    """Return the outcomes of the documents; none before the first dbt run."""
    if not snapshot.has_table(OUTCOMES_TABLE):
        return {}
    found = {}
    for row in snapshot.rows(OUTCOMES, wanted):
        batch_id, position, source, outcome, key, reason, kept_name, kept_batch, kept_position = row
        found[DocumentId(batch_id, position)] = OutcomeFacts(
            source=source,
            outcome=outcome,
            key=key,
            reason=reason,
            replaced_by=Coordinate(kept_name, kept_position) if kept_name else None,
            replaced_by_id=DocumentId(kept_batch, kept_position) if kept_batch else None,
        )
    return found


def _lineage(
    document: DocumentId,
    batch: BatchFacts | None,
    reject: RejectFacts | None,
    landed: LandedFacts | None,
    outcomes: dict[DocumentId, OutcomeFacts],
) -> Lineage:
    outcome = outcomes.get(document)
    known = batch or outcome
    return Lineage(
        document=document,
        source=known.source if known else "",
        coordinate=Coordinate(batch.input_name if batch else document.batch_id, document.position),
        batch=batch,
        reject=reject,
        landed=landed,
        outcome=outcome,
        erased=None,
    )


def _current(snapshot: Snapshot, outcome: OutcomeFacts) -> Coordinate | None:
    if outcome.outcome == CURRENT or outcome.replaced_by:
        return None
    for name, position in snapshot.rows(CURRENT_DOCUMENT, [outcome.source, outcome.key, CURRENT]):
        return Coordinate(name, position)
    return None


def _same_key(snapshot: Snapshot, document: DocumentId, outcome: OutcomeFacts) -> tuple[SameKey, ...]:
    wanted = {
        "source": outcome.source,
        "key": outcome.key,
        "batch_id": document.batch_id,
        "position": document.position,
        "max_same_key": MAX_SAME_KEY,
    }
    return tuple(
        SameKey(Coordinate(name, position), other) for name, position, other in snapshot.rows(SAME_KEY, wanted)
    )
