"""The feed of a replay: open rejects, locked and marked as replayed when they are landed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from psycopg2.extensions import cursor as Cursor

from loader.erasing.bars import empty_stored
from loader.errors import Overtaken
from loader.landing.batch import Batch
from loader.landing.feeds import Feed, FeedKind

LOCK = """
select rejects.batch_id, rejects.position
from ledger.rejects
inner join unnest(%s::uuid[], %s::bigint[]) as given (batch_id, position) using (batch_id, position)
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where rejects.replayed_by is null and not rejects.is_undone and rejects.erased_by is null
    and inputs.replaced_at is null
order by rejects.batch_id, rejects.position
for update of rejects
for key share of inputs
"""

MARK = """
update ledger.rejects
set replayed_by = given.replayed_by
from unnest(%s::uuid[], %s::uuid[], %s::bigint[]) as given (replayed_by, batch_id, position)
where rejects.batch_id = given.batch_id and rejects.position = given.position and rejects.replayed_by is null
    and not rejects.is_undone and rejects.erased_by is null
"""


@dataclass(frozen=True)
class OpenReject:
    """A reject that was not replayed yet. `kept_bytes` is how much of its `length` the ledger kept."""

    input_id: str
    name: str
    digest: str | None
    batch_id: str
    position: int
    reason: str
    first_byte: int
    length: int
    fingerprint: str
    kept_bytes: int
    pointer: str | None


@dataclass(frozen=True)
class ReplayFeed(Feed):
    """The rejects of one source, checked against the contract that is valid now."""

    kind: ClassVar[FeedKind] = "replay"


ReplayBatch = Batch[ReplayFeed]


class ReplayPositions:
    """A replay has no next position. What is locked and advanced is each reject: from open to replayed."""

    def __init__(self, rejects: Iterable[OpenReject]) -> None:
        """Take the rejects that the batches are made of."""
        self._rejected_by = {(reject.input_id, reject.position): reject.batch_id for reject in rejects}

    def lock(self, cursor: Cursor, batches: Sequence[ReplayBatch]) -> list[ReplayBatch]:
        """Lock the batches' rejects until the transaction ends; return the batches that have documents to land.

        Documents that another replay has landed meanwhile are removed from their batches.
        """
        rejects = [reject for batch in batches for reject in self._rejects_of(batch)]
        cursor.execute(LOCK, _columns(rejects, 2))
        still_open = set(cursor.fetchall())
        for batch in batches:
            batch.discard({position for by, position in self._rejects_of(batch) if (by, position) not in still_open})
        return [batch for batch in batches if batch.landed]

    def advance(self, cursor: Cursor, batches: Sequence[ReplayBatch]) -> None:
        """Mark the landed documents' rejects as replayed, and empty those of barred documents.

        Raises:
            Overtaken: another replay has landed one of them; the transaction must be rolled back.
        """
        marks = [(str(batch.batch_id), *reject) for batch in batches for reject in self._rejects_of(batch)]
        cursor.execute(MARK, _columns(marks, 3))
        if cursor.rowcount != len(marks):
            raise Overtaken(f"{len(marks) - cursor.rowcount} rejects were landed by another replay; run again")

        self._empty_barred(cursor, batches)

    def _empty_barred(self, cursor: Cursor, batches: Sequence[ReplayBatch]) -> None:
        barred = [
            (self._rejected_by[str(batch.input_id), position], position, str(erasure_id))
            for batch in batches
            for position, erasure_id in batch.barred.items()
        ]
        if barred:
            empty_stored(cursor, barred)

    def _rejects_of(self, batch: ReplayBatch) -> list[tuple[str, int]]:
        """Return the rejects of a batch's documents, as rejecting batch and position."""
        input_id = str(batch.input_id)
        return [(self._rejected_by[input_id, position], position) for position in batch.positions()]


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[column] for row in rows] for column in range(width)]
