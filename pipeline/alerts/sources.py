"""Judges the sources: their books, their rejects, and when their last documents landed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from loader.declarations import read_source, source_names
from loader.errors import SourceBroken
from pipeline.accounting import BOOKS, SourceAccount, accounting
from pipeline.alerts.alert import Alert, Found
from pipeline.report.checks import freshness
from waybill.cli import shown_command
from waybill.settings import Settings

# The day that ends with the last batch of each source: an alert stays until its rejects are replayed or undone, or a
# day of good documents has followed. Replays are not new documents.
REJECTS = """
with batches as (
    select batches.source, batches.batch_id, batches.read, batches.committed_at
    from ledger.batches
    inner join ledger.inputs on batches.input_id = inputs.input_id
    where batches.feed <> 'replay' and inputs.replaced_at is null and not exists (
        select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id
    )
),
days as (
    select batches.*
    from batches
    inner join (select source, max(committed_at) as last_at from batches group by source) as latest using (source)
    where batches.committed_at > latest.last_at - interval '1 day'
),
rejected as (
    select days.source, days.batch_id, days.committed_at, days.read, count(rejects.batch_id) as rejects
    from days
    left join ledger.rejects
        on days.batch_id = rejects.batch_id and rejects.replayed_by is null and not rejects.is_undone
        and rejects.erased_by is null
    group by days.source, days.batch_id, days.committed_at, days.read
)
select source, sum(read)::bigint as documents, sum(rejects)::bigint as rejects,
    (array_agg(batch_id::text order by rejects desc, batch_id))[1] as batch_id,
    min(committed_at) filter (where rejects > 0) as since
from rejected
group by source
having sum(rejects) > 0
order by source
"""
UNBALANCED_BATCH = """
select batches.batch_id::text
from ledger.batches
left join (
    select _batch_id, count(*) as documents
    from intermediate.document_outcomes
    where source = :source
    group by _batch_id
) as outcomes on batches.batch_id = outcomes._batch_id
inner join intermediate.run_batches as run on batches.batch_id = run.batch_id
left join (
    select batch_id, count(*) as documents from ledger.erased_documents group by batch_id
) as erased on batches.batch_id = erased.batch_id
where batches.source = :source
    and batches.landed - coalesce(erased.documents, 0) <> coalesce(outcomes.documents, 0) and not exists (
    select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id
)
order by batches.committed_at
limit 1
"""


def judge_books(connection: Connection) -> Found:
    """Return an alert for each source that does not balance, with the first batch that does not (promise P1)."""
    return Found(
        [
            Alert(
                rule="books_unbalanced",
                kind="source",
                name=account.source,
                message=f"{account.verdict}: documents have no outcome, or more than one",
                command=shown_command(f"dbt build --select int_{account.source}_outcomes+1"),
                batch_id=(batch := _unbalanced_batch(connection, account)),
                cause=f"{account.verdict} {batch}",
            )
            for account in accounting(connection)
            if not account.is_balanced
        ]
    )


def judge_rejects(connection: Connection, settings: Settings) -> Found:
    """Return an alert for each source of whose last day too many documents were rejected, with the worst batch."""
    found = []
    for row in connection.execute(text(REJECTS)).mappings():
        share = _declared_share(row["source"])
        share = settings.waybill_alert_reject_share if share is None else share
        if row["rejects"] > share * row["documents"]:
            found.append(
                Alert(
                    rule="rejects",
                    kind="source",
                    name=row["source"],
                    message=f"{row['rejects']:,} of the last day's {row['documents']:,} documents were rejected "
                    f"({row['rejects'] / row['documents']:.1%}, more than {share:.1%})",
                    command=shown_command(f"rejects {row['source']}"),
                    batch_id=row["batch_id"],
                    since=row["since"],
                    cause=row["batch_id"],
                )
            )
    return Found(found)


def _declared_share(source: str) -> float | None:
    """Return the source's own threshold; None if it declares none, is not declared any more, or has a mistake."""
    try:
        return read_source(source).reject_share if source in source_names() else None
    except SourceBroken:  # every command that needs the declaration says so
        return None


def judge_freshness(connection: Connection, now: datetime) -> Found:
    """Return an alert for each source whose last documents are older than its declaration allows.

    A source from which nothing has ever landed is declared and not used, as one of the sample may be.
    """
    accounts = [
        SourceAccount(row["source"], 0, row["landed"], 0, 0, row["batches"], row["last_landed_at"], True)
        for row in connection.execute(text(BOOKS)).mappings()
    ]
    return Found(
        [
            Alert(
                rule="source_not_fresh",
                kind="source",
                name=one.source,
                message=f"its last documents landed {one.shown_age} ago; {one.verdict}" if one.age else one.verdict,
                command=shown_command(f"load {one.source}"),
                since=one.last_landed_at,
                cause=str(one.last_landed_at),
            )
            for one in freshness(accounts, now)
            if one.is_stale and one.batches
        ]
    )


def _unbalanced_batch(connection: Connection, account: SourceAccount) -> str | None:
    """Return the first batch whose documents do not all have one outcome; None if no batch is to blame."""
    if account.outcomes is None or not connection.scalar(
        text("select to_regclass('intermediate.run_batches') is not null")
    ):
        return None
    found: str | None = connection.scalar(text(UNBALANCED_BATCH), {"source": account.source})
    return found
