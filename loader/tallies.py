"""What became of the documents of one load, as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from psycopg2.extensions import connection as Connection

TALLIES = """
select source, sum(read)::bigint, sum(landed)::bigint, sum(rejected)::bigint, sum(skipped)::bigint
from ledger.batches
where run_id = %s
group by source
"""

REASONS = """
select batches.source, rejects.reason, count(*)
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
where batches.run_id = %s
group by batches.source, rejects.reason
order by batches.source, rejects.reason
"""


@dataclass
class Tally:
    """What became of a source's documents in one run."""

    read: int = 0
    landed: int = 0
    rejected: int = 0
    skipped: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class LoadResult:
    """What a load did: a tally a source, and how many files were new or known."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    new_files: int = 0
    known_files: int = 0

    @property
    def rows(self) -> int:
        """Documents that were landed."""
        return sum(tally.landed for tally in self.tallies.values())

    @property
    def summary(self) -> str:
        """One line for a person."""
        if not self.new_files:
            return f"nothing new: all {self.known_files} files were landed before"
        rejected = sum(tally.rejected for tally in self.tallies.values())
        skipped = sum(tally.skipped for tally in self.tallies.values())
        return (
            f"{self.rows:,} documents landed, {rejected:,} rejected, {skipped:,} skipped;"
            f" {self.new_files} files new, {self.known_files} known"
        )


def tallies_of(connection: Connection, run_id: UUID, sources: Iterable[str]) -> dict[str, Tally]:
    """Return a tally for each source, as committed by a run."""
    tallies = {source: Tally() for source in sources}
    with connection, connection.cursor() as cursor:
        cursor.execute(TALLIES, [str(run_id)])
        for source, *counts in cursor.fetchall():
            tallies[source] = Tally(*counts)
        cursor.execute(REASONS, [str(run_id)])
        for source, reason, count in cursor.fetchall():
            tallies[source].reasons[reason] = count
    return tallies
