"""Counts the documents of one run by what became of them, as recorded in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from psycopg2.extensions import connection as Connection

from loader.declarations import no_source
from loader.errors import AllRejected
from loader.raw_files import LeftAlone
from waybill.cli import shown_command
from waybill.settings import get_settings, relative_name
from waybill.text import counted

MAX_WARNINGS = 5
REPLAYED = ("breaks_contract", "too_large")  # reasons that a change of contract or limit can remove

logger = logging.getLogger(__name__)

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

BARRED = """
select batches.source, count(*)
from ledger.erased_documents as erased
inner join ledger.batches on erased.batch_id = batches.batch_id
where batches.run_id = %s
group by batches.source
"""

FILES_WITH_REJECTS = """
select distinct on (rejects.input_id) rejects.source, rejects.input_name,
    count(*) over (partition by rejects.input_id), rejects.reason || ': ' || rejects.detail, documents.landed
from ledger.open_rejects as rejects
cross join lateral (
    select sum(batches.landed)::bigint as landed from ledger.batches where batches.input_id = rejects.input_id
) as documents
where rejects.source = %s and rejects.digest = any(%s)
order by rejects.input_id, rejects.position
"""

EVER_LANDED = "select exists (select from ledger.batches where source = %s and landed > 0)"


@dataclass(frozen=True)
class FileWithRejects:
    """A file with open rejects: how many, the first one's reason, and how many documents of the file were landed."""

    source: str
    name: str
    rejects: int
    first_reason: str
    landed: int

    def __str__(self) -> str:
        """Return one line for a file whose documents were all rejected."""
        count = "its only document was" if self.rejects == 1 else f"all {self.rejects:,} documents were"
        first = "" if self.rejects == 1 else "first "
        return f"{self.name}: {count} rejected, {first}{self.first_reason}"


@dataclass
class Tally:
    """The documents of one source in one run: read = landed + rejected + skipped.

    `barred` of the landed have the key of an erased document, and so were only counted.
    """

    read: int = 0
    landed: int = 0
    rejected: int = 0
    skipped: int = 0
    barred: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class LoadResult:
    """The result of a load: a tally for each source, and the number of new and known files.

    `is_upper_bound` is true after a dry run that could not ask PostgreSQL which documents it would refuse.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    new_files: int = 0
    known_files: int = 0
    with_rejects: list[FileWithRejects] = field(default_factory=list)
    left_alone: LeftAlone = field(default_factory=LeftAlone)
    refusal: AllRejected | None = None
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
        if reason := no_source():
            return f"{reason}{self._left}"
        if not self.new_files + self.known_files:
            where = f"no files of a source in {relative_name(get_settings().raw_folder)}"
            return f"{where}; all that landed was given to `waybill load` or a topic{self._left}"
        if not self.new_files:
            known = "the only file was" if self.known_files == 1 else f"all {self.known_files:,} files were"
            return f"nothing new: {known} landed before{self._open_rejects}{self._left}"
        skipped = sum(tally.skipped for tally in self.tallies.values())
        barred = sum(tally.barred for tally in self.tallies.values())
        erased = f" ({barred:,} of them only counted, as their keys were erased)" if barred else ""
        return (
            f"{counted(self.rows, 'document')} landed{erased}, {self.rejected:,} rejected, {skipped:,} skipped;"
            f" {counted(self.new_files, 'file')} new, {self.known_files} known{self._left}"
        )

    @property
    def dry_summary(self) -> str:
        """One line that describes the result of a dry run."""
        if reason := no_source():
            return f"{reason}{self._left}"
        documents, files = counted(self.rows, "document"), counted(self.new_files, "file")
        landed = f"{'up to ' if self.is_upper_bound else ''}{documents} of {files} would be landed"
        cause = "; PostgreSQL does not answer, and may refuse more" if self.is_upper_bound else ""
        return f"nothing written: {landed}, {self.rejected:,} would be rejected{cause}{self._left}"

    @property
    def _left(self) -> str:
        return f"; {self.left_alone}" if str(self.left_alone) else ""

    @property
    def _open_rejects(self) -> str:
        rejects = sum(file.rejects for file in self.with_rejects)
        if not rejects:
            return ""
        only = f" {self.with_rejects[0].source}" if len({file.source for file in self.with_rejects}) == 1 else ""
        is_one = "document is a reject" if rejects == 1 else "documents are rejects"
        return (
            f", and {rejects:,} {is_one}: `{shown_command('rejects' + only)}` says why, "
            f"`{shown_command('replay' + only)}` lands what passes after the contract or the limit was changed"
        )

    def refuse_rejected(self, ever_landed: Collection[str], *, are_named: bool) -> None:
        """Set `refusal` if a file has rejects only and the user named it, or its source never landed anything.

        Other such files are logged as warnings.
        """
        rejected = [file for file in self.with_rejects if not file.landed]
        fatal = [file for file in rejected if are_named or file.source not in ever_landed]
        if fatal:
            more = f" (and {counted(len(fatal) - 1, 'more file')})" if len(fatal) > 1 else ""
            source, reason = fatal[0].source, fatal[0].first_reason.partition(":")[0]
            replay = (
                f", `{shown_command('replay ' + source)}` lands what passes after the contract or the limit changed"
            )
            self.refusal = AllRejected(
                f"{fatal[0]}{more}; `{shown_command('rejects ' + source)}` lists the rejects"
                f"{replay if reason in REPLAYED else ''}"
            )
        for file in rejected[:MAX_WARNINGS]:
            if file not in fatal:
                logger.warning("%s", file)
        if len(rejected) > MAX_WARNINGS and not fatal:
            logger.warning("%s more have rejects only", counted(len(rejected) - MAX_WARNINGS, "file"))


def tallies_of(connection: Connection, run_id: UUID, sources: Iterable[str]) -> dict[str, Tally]:
    """Return a tally for each source, as committed by a run."""
    tallies = {source: Tally() for source in sources}
    with connection, connection.cursor() as cursor:
        cursor.execute(TALLIES, [str(run_id)])
        for source, *counts in cursor.fetchall():
            tallies[source] = Tally(*counts)
        cursor.execute(BARRED, [str(run_id)])
        for source, documents in cursor.fetchall():
            tallies[source].barred = documents
        cursor.execute(REASONS, [str(run_id)])
        for source, reason, count in cursor.fetchall():
            tallies[source].reasons[reason] = count
    return tallies


def files_with_rejects(connection: Connection, source: str, digests: Iterable[str]) -> list[FileWithRejects]:
    """Return the files of a source that have open rejects, of those with these contents."""
    with connection, connection.cursor() as cursor:
        cursor.execute(FILES_WITH_REJECTS, [source, list(digests)])
        return sorted((FileWithRejects(*row) for row in cursor.fetchall()), key=lambda file: file.name)


def has_ever_landed(connection: Connection, source: str) -> bool:
    """Return whether any document of a source was ever landed."""
    with connection, connection.cursor() as cursor:
        cursor.execute(EVER_LANDED, [source])
        return bool(cursor.fetchone()[0])  # type: ignore[index]
