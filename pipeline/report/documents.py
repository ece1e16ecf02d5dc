"""The documents that have a story: every reject, and every landed one that is not current; for the rest, the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, text

from pipeline.accounting import BUILT, OUTCOMES, SourceAccount
from pipeline.report.stories import SHOWN_CHARACTERS, Story, story_of_outcome, story_of_reject

MAX_DESCRIBED = 100  # of a reason, and of an outcome

REASONS = """
    select batch.source, reject.reason, count(*) as documents, count(reject.replayed_by) as replayed
    from ledger.rejects as reject
    inner join ledger.batches as batch on reject.batch_id = batch.batch_id
    group by batch.source, reject.reason
    order by batch.source, reject.reason
"""
REJECTS = """
    with numbered as (
        select batch_id, position, row_number() over (partition by reason order by batch_id, position) as number
        from ledger.rejects
    )
    select
        batch.source,
        batch.batch_id,
        input.name,
        reject.position,
        batch.committed_at,
        run.command,
        reject.reason,
        reject.detail,
        reject.pointer,
        substring(reject.bytes from 1 for :shown) as bytes,
        reject.length,
        reject.replayed_by
    from numbered as told
    inner join ledger.rejects as reject on told.batch_id = reject.batch_id and told.position = reject.position
    inner join ledger.batches as batch on reject.batch_id = batch.batch_id
    inner join ledger.inputs as input on batch.input_id = input.input_id
    inner join ledger.runs as run on batch.run_id = run.run_id
    where told.number <= :told
    order by reject.reason, batch.source, input.name, reject.position
"""
NOT_CURRENT = """
    with numbered as (
        select *, row_number() over (partition by outcome order by source, _batch_id, _position) as number
        from intermediate.document_outcomes
        where outcome <> 'current'
    )
    select
        told.source,
        told._batch_id as batch_id,
        coalesce(input.name, told._batch_id::text) as name,
        told._position as position,
        batch.committed_at,
        run.command,
        told.outcome,
        told.document_key,
        told.reason,
        survivor_input.name as survivor_name,
        told.surviving_position
    from numbered as told
    left join ledger.batches as batch on told._batch_id = batch.batch_id
    left join ledger.inputs as input on batch.input_id = input.input_id
    left join ledger.runs as run on batch.run_id = run.run_id
    left join ledger.batches as survivor on told.surviving_batch_id = survivor.batch_id
    left join ledger.inputs as survivor_input on survivor.input_id = survivor_input.input_id
    where told.number <= :told
    order by told.outcome, told.source, input.name, told._position
"""
DOCUMENTS = """
    select raw._batch_id::text as batch_id, raw._position as position, left(raw.document::text, :shown + 1) as document
    from raw.{} as raw
    inner join unnest(cast(:batches as uuid[]), cast(:positions as bigint[])) as told (batch_id, position)
        on raw._batch_id = told.batch_id and raw._position = told.position
"""
SQL_OF = {
    "skipped": "select source, name, skipped from ledger.batches join ledger.inputs using (source, input_id)"
    " where skipped > 0;",
    "rejected": "select source, name, position, reason, detail from ledger.rejects join ledger.batches using (batch_id)"
    " join ledger.inputs using (source, input_id);",
    **{outcome: f"select * from intermediate.document_outcomes where outcome = '{outcome}';" for outcome in OUTCOMES},
}


@dataclass(frozen=True)
class Kind:
    """The documents of one reason or outcome: how many there are, those told of, and the SQL that lists all."""

    name: str
    documents: int
    sql: str
    stories: list[Story] = field(default_factory=list)


@dataclass(frozen=True)
class Documents:
    """All documents by what became of them."""

    reasons: Sequence[Row[Any]]
    rejected: list[Kind]
    outcomes: list[Kind]

    @property
    def stories(self) -> list[Story]:
        """All that are told of."""
        return [story for kind in [*self.rejected, *self.outcomes] for story in kind.stories]


def gather_documents(connection: Connection, accounts: Iterable[SourceAccount]) -> Documents:
    """Ask for the rejects, and, once dbt has run, for the documents that are not current."""
    reasons = connection.execute(text(REASONS)).all()
    told = {"told": MAX_DESCRIBED}
    rejected = connection.execute(text(REJECTS), {**told, "shown": SHOWN_CHARACTERS}).mappings()
    rejects = [story_of_reject(row) for row in rejected]
    landed: list[Story] = []
    if connection.scalar(text(BUILT)):
        rows = connection.execute(text(NOT_CURRENT), told).mappings().all()
        documents = _documents(connection, rows)
        landed = [story_of_outcome(row, documents.get((str(row["batch_id"]), row["position"]), "")) for row in rows]
    counts = {name: sum((account.outcomes or {}).get(name, 0) for account in accounts) for name in OUTCOMES}
    by_reason: dict[str, int] = {}
    for reason in reasons:
        by_reason[reason.reason] = by_reason.get(reason.reason, 0) + reason.documents
    return Documents(
        reasons,
        [
            Kind(name, count, f"{SQL_OF['rejected'][:-1]} where reason = '{name}';", _only(rejects, name))
            for name, count in by_reason.items()
        ],
        [Kind(name, counts[name], SQL_OF[name], _only(landed, name)) for name in OUTCOMES],
    )


def _only(stories: list[Story], kind: str) -> list[Story]:
    return [story for story in stories if story.kind == kind]


def _documents(connection: Connection, rows: Sequence[RowMapping]) -> dict[tuple[str, int], str]:
    """Return the beginning of each document as jsonb spells it, one character longer than is shown of it."""
    found: dict[tuple[str, int], str] = {}
    for source in dict.fromkeys(row["source"] for row in rows):
        places = [row for row in rows if row["source"] == source]
        table = connection.dialect.identifier_preparer.quote(source)
        asked = {
            "shown": SHOWN_CHARACTERS,
            "batches": [str(place["batch_id"]) for place in places],
            "positions": [place["position"] for place in places],
        }
        for row in connection.execute(text(DOCUMENTS.format(table)), asked):
            found[(row.batch_id, row.position)] = row.document
    return found
