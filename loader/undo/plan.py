"""Plans an undo: the batches and replays that go, with their documents and rejects counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from loader.tracing.snapshot import Snapshot

# What was landed from the rejects of a batch came from that batch.
WITH_REPLAYS = """
select distinct batches.batch_id, batches.source, batches.feed
from ledger.batches
where
    (batches.batch_id = any(%(batches)s::uuid[]) or batches.batch_id in (
        select rejects.replayed_by from ledger.rejects where rejects.batch_id = any(%(batches)s::uuid[])
    ))
    and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
order by batches.batch_id
"""

DOCUMENTS = "select _batch_id, count(*) from raw.{} where _batch_id = any(%s::uuid[]) group by 1"

CLOSED = """
select batch_id, count(*)
from ledger.rejects
where batch_id = any(%(batches)s::uuid[]) and replayed_by is null and not is_undone and erased_by is null
group by batch_id
"""

# A reject whose own batch is undone, too, stays closed.
OPENED = """
select replayed_by, count(*)
from ledger.rejects
where replayed_by = any(%(batches)s::uuid[]) and batch_id <> all(%(batches)s::uuid[]) and not is_undone
    and erased_by is null
group by replayed_by
"""

OUTCOMES = """
select source, outcome, count(*)
from intermediate.document_outcomes as outcomes
where
    _batch_id = any(%(batches)s::uuid[])
    and not exists (
        select from ledger.erased_documents as erased
        where erased.batch_id = outcomes._batch_id and erased.position = outcomes._position
    )
group by source, outcome
order by source, outcome
"""

# Keys that keep a document, another one than before.
FALLING_BACK = """
select undone.source, count(distinct undone.document_key)
from intermediate.document_outcomes as undone
where
    undone._batch_id = any(%(batches)s::uuid[])
    and undone.outcome in ('current', 'filtered')
    and exists (
        select from intermediate.document_outcomes as other
        where
            other.source = undone.source
            and other.document_key = undone.document_key
            and other.outcome in ('duplicate', 'superseded')
            and other._batch_id <> all(%(batches)s::uuid[])
            and not exists (select from ledger.undone_batches as gone where gone.batch_id = other._batch_id)
    )
group by undone.source
"""


@dataclass(frozen=True)
class PlannedBatch:
    """A batch to undo: documents that leave the raw table, rejects that are closed, rejects that open again."""

    batch_id: str
    source: str
    feed: str
    documents: int
    closed_rejects: int
    opened_rejects: int


@dataclass
class SourceUndo:
    """One source's part of an undo; `files` and `messages` count batches, those of files and those of topics.

    `outcomes` are those that the documents had in the last dbt run; `falling_back` is the number of keys whose current
    document goes and which have another one. Documents that no dbt run has seen are in neither.
    """

    batches: int = 0
    replays: int = 0
    files: int = 0
    messages: int = 0
    documents: int = 0
    closed_rejects: int = 0
    opened_rejects: int = 0
    falling_back: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def plan_batches(cursor: Cursor, batch_ids: Sequence[str]) -> list[PlannedBatch]:
    """Return the batches, without those that are undone already, and the replays that came from them."""
    cursor.execute(WITH_REPLAYS, {"batches": list(batch_ids)})
    found = cursor.fetchall()
    wanted = {"batches": [batch_id for batch_id, _, _ in found]}
    documents: dict[str, int] = {}
    for source in sorted({source for _, source, _ in found}):
        cursor.execute(sql.SQL(DOCUMENTS).format(sql.Identifier(source)), [wanted["batches"]])
        documents |= dict(cursor.fetchall())
    cursor.execute(CLOSED, wanted)
    closed = dict(cursor.fetchall())
    cursor.execute(OPENED, wanted)
    opened = dict(cursor.fetchall())
    return [
        PlannedBatch(
            batch_id, source, feed, documents.get(batch_id, 0), closed.get(batch_id, 0), opened.get(batch_id, 0)
        )
        for batch_id, source, feed in found
    ]


def sum_up(snapshot: Snapshot, batches: Sequence[PlannedBatch]) -> dict[str, SourceUndo]:
    """Return source → the sums of its batches, with the outcomes of their documents if dbt has run."""
    sums: dict[str, SourceUndo] = {}
    for batch in batches:
        one = sums.setdefault(batch.source, SourceUndo())
        one.batches += batch.feed != "replay"
        one.replays += batch.feed == "replay"
        one.files += batch.feed == "file"
        one.messages += batch.feed == "kafka"
        one.documents += batch.documents
        one.closed_rejects += batch.closed_rejects
        one.opened_rejects += batch.opened_rejects
    if snapshot.has_table("intermediate.document_outcomes"):
        wanted = {"batches": [batch.batch_id for batch in batches]}
        for source, outcome, documents in snapshot.rows(OUTCOMES, wanted):
            sums[source].outcomes[outcome] = documents
        for source, keys in snapshot.rows(FALLING_BACK, wanted):
            sums[source].falling_back = keys
    return dict(sorted(sums.items()))
