"""Counts the documents of one run by what became of them, as recorded in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from psycopg2.extensions import connection as Connection

from waybill.text import counted

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
    """The documents of one source in one run: read = landed + rejected + skipped."""

    read: int = 0
    landed: int = 0
    rejected: int = 0
    skipped: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class LoadResult:
    """The result of a load: a tally for each source, and the number of new and known files.

    `is_upper_bound` is true after a dry run that could not ask PostgreSQL which documents it would refuse.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    new_files: int = 0
    known_files: int = 0
    is_upper_bound: bool = False

    @property
    def rows(self) -> int:
        """The number of landed documents."""
        return sum(tally.landed for tally in self.tallies.values())

    @property
    def rejected(self) -> int:
        """The number of rejects."""
        return sum(tally.rejected for tally in self.tallies.values())

    @property
    def summary(self) -> str:
        """One line that describes the result."""
        if not self.new_files:
            known = "the only file was" if self.known_files == 1 else f"all {self.known_files:,} files were"
            return f"nothing new: {known} landed before"
        skipped = sum(tally.skipped for tally in self.tallies.values())
        return (
            f"{counted(self.rows, 'document')} landed, {self.rejected:,} rejected, {skipped:,} skipped;"
            f" {counted(self.new_files, 'file')} new, {self.known_files} known"
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
