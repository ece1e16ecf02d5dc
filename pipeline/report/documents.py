"""The documents that the report shows: rejects, landed documents that are not current, and SQL for all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, text

from loader.tracing.lineage import read_lineages
from loader.tracing.search import find_not_current, find_rejected
from loader.tracing.snapshot import Snapshot
from pipeline.accounting import SourceAccount
from pipeline.report.document_entry import MAX_CHARACTERS, DocumentEntry, entry_of
from warehouse.connection import connect
from warehouse.outcomes import OUTCOMES

MAX_DESCRIBED = 100  # documents of each reject reason, and of each outcome

REASONS = """
    select source, reason, count(*) as documents, count(replayed_by) as replayed
    from ledger.rejected_documents
    group by source, reason
    order by source, reason
"""
SQL_OF = {
    "skipped": "select source, input_name, skipped from ledger.named_batches where skipped > 0;",
    "rejected": "select source, coordinate, reason, detail, replayed_by from ledger.rejected_documents;",
    **{outcome: f"select * from intermediate.document_outcomes where outcome = '{outcome}';" for outcome in OUTCOMES},
}


@dataclass(frozen=True)
class DocumentGroup:
    """The documents of one reject reason or outcome: their number, the SQL that lists them all, and those shown."""

    name: str
    documents: int
    sql: str
    entries: list[DocumentEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Documents:
    """All documents, grouped by reject reason and by outcome."""

    reasons: Sequence[Row[Any]]
    rejected: list[DocumentGroup]
    outcomes: list[DocumentGroup]


def gather_documents(connection: Connection, accounts: Iterable[SourceAccount]) -> Documents:
    """Read the rejects and, once dbt has run, the documents that are not current."""
    with Snapshot(connect("reader")) as snapshot:
        documents = [
            *find_rejected(snapshot, max_per_reason=MAX_DESCRIBED),
            *find_not_current(snapshot, max_per_outcome=MAX_DESCRIBED),
        ]
        lineages = read_lineages(snapshot, documents, max_bytes=MAX_CHARACTERS, max_characters=MAX_CHARACTERS + 1)
    entries = [entry_of(lineage) for lineage in lineages]
    reasons = connection.execute(text(REASONS)).all()
    rejected: dict[str, int] = {}
    for row in reasons:
        rejected[row.reason] = rejected.get(row.reason, 0) + row.documents
    outcomes = {name: sum((account.outcomes or {}).get(name, 0) for account in accounts) for name in OUTCOMES}
    return Documents(
        reasons,
        [
            DocumentGroup(name, count, f"{SQL_OF['rejected'][:-1]} where reason = '{name}';", _only(entries, name))
            for name, count in rejected.items()
        ],
        [DocumentGroup(name, count, SQL_OF[name], _only(entries, name)) for name, count in outcomes.items()],
    )


def _only(entries: list[DocumentEntry], group: str) -> list[DocumentEntry]:
    return [entry for entry in entries if entry.group == group]
