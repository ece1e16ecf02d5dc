"""What the report page says, asked of the ledger, the marts, the last run and the current model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from ml.artefact import current_manifest
from pipeline.accounting import SourceAccount, accounting
from pipeline.run_record import read_record
from warehouse.settings import Settings

NAMED_AT_MOST = 500
SAMPLE_BYTES = 72

REJECT_REASONS = """
    select batch.source, reject.reason, count(*) as documents, count(reject.replayed_by) as replayed
    from ledger.rejects as reject
    inner join ledger.batches as batch on reject.batch_id = batch.batch_id
    group by batch.source, reject.reason
    order by batch.source, reject.reason
"""
REJECTS = """
    select
        batch.source,
        input.name || ':' || reject.position as coordinate,
        reject.reason,
        reject.detail,
        substring(reject.bytes from 1 for :sample) as bytes,
        reject.length,
        reject.replayed_by is not null as is_replayed
    from ledger.rejects as reject
    inner join ledger.batches as batch on reject.batch_id = batch.batch_id
    inner join ledger.inputs as input on batch.input_id = input.input_id
    order by batch.source, input.name, reject.position
    limit :named
"""
UNCASTABLE = """
    select
        outcome.source,
        coalesce(input.name, outcome._batch_id::text) || ':' || outcome._position as coordinate,
        outcome.document_key,
        outcome.reason
    from intermediate.document_outcomes as outcome
    left join ledger.batches as batch on outcome._batch_id = batch.batch_id
    left join ledger.inputs as input on batch.input_id = input.input_id
    where outcome.outcome = 'uncastable'
    order by outcome.source, input.name, outcome._position
    limit :named
"""
DRIFT = """
    select batch.source, drift.pointer, drift.json_type, sum(drift.documents)::bigint as documents
    from ledger.drift as drift
    inner join ledger.batches as batch on drift.batch_id = batch.batch_id
    group by batch.source, drift.pointer, drift.json_type
    order by batch.source, drift.pointer, drift.json_type
"""
INFERRED_TABLES = """
    select relation.relname::text
    from pg_attribute as attribute
    inner join pg_class as relation on attribute.attrelid = relation.oid
    where
        relation.relnamespace = to_regnamespace('marts')
        and relation.relkind = 'r'
        and attribute.attname = 'is_inferred'
        and not attribute.attisdropped
    order by relation.relname
"""


@dataclass(frozen=True)
class ReportFacts:
    """All that the template needs; every text is as it came, to be escaped by the template."""

    accounts: list[SourceAccount]
    reject_reasons: Sequence[Row[Any]]
    rejects: list[dict[str, Any]]
    uncastable: Sequence[Row[Any]]
    drift: Sequence[Row[Any]]
    members: list[dict[str, Any]]
    stages: list[dict[str, Any]]
    model: dict[str, Any] | None
    written_at: datetime

    @property
    def is_balanced(self) -> bool:
        """Whether the books of every source balance."""
        return all(account.is_balanced for account in self.accounts)


def gather_facts(connection: Connection, settings: Settings, stages: Sequence[Mapping[str, Any]] | None) -> ReportFacts:
    """Ask for everything; what does not exist yet is left empty."""
    named = {"named": NAMED_AT_MOST}
    has_outcomes = connection.scalar(text("select to_regclass('intermediate.document_outcomes') is not null"))
    return ReportFacts(
        accounts=accounting(connection),
        reject_reasons=connection.execute(text(REJECT_REASONS)).all(),
        rejects=_rejects(connection),
        uncastable=connection.execute(text(UNCASTABLE), named).all() if has_outcomes else [],
        drift=connection.execute(text(DRIFT)).all(),
        members=_members(connection),
        stages=[dict(stage) for stage in (stages if stages is not None else read_record(settings))],
        model=_model(settings),
        written_at=connection.scalar(text("select now()")) or datetime.now().astimezone(),
    )


def _rejects(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(text(REJECTS), {"named": NAMED_AT_MOST, "sample": SAMPLE_BYTES}).mappings()
    return [{**row, "sample": _readable(bytes(row["bytes"]))} for row in rows]


def _readable(sample: bytes) -> str:
    """Return bytes as a text without invisible characters: what cannot be shown stands as an escape."""
    decoded = sample.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in decoded)


def _members(connection: Connection) -> list[dict[str, Any]]:
    """Return the dimensions with how many members the facts name and the reference data lacks."""
    return [
        {"table": table, **connection.execute(text(
            f'select count(*) as members, count(*) filter (where is_inferred) as inferred from marts."{table}"'
        )).mappings().one()}
        for table in connection.scalars(text(INFERRED_TABLES)).all()
    ]  # fmt: skip


def _model(settings: Settings) -> dict[str, Any] | None:
    """Return the current model's manifest, with its figures flat."""
    manifest = current_manifest(settings.waybill_task)
    if manifest is None:
        return None
    return {
        "name": manifest["model_id"],
        "figures": _flatten(manifest["metrics"]),
    }


def _flatten(figures: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(figures, dict):
        return {prefix: figures} if isinstance(figures, int | float | str) else {}
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        flat.update(_flatten(value, f"{prefix} {name}".strip()))
    return flat
