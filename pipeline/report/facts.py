"""Gathers the facts of the report from the ledger, the marts, the last run and the current models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from loader.drift import UnknownField, list_drift
from pipeline.accounting import SourceAccount, accounting
from pipeline.adoption.fields import FieldNotAdopted, list_fields_not_adopted
from pipeline.adoption.misfits import list_misfits
from pipeline.corrections import Correction, list_corrections
from pipeline.dbt.results import DbtBuild, read_build
from pipeline.report.checks import Freshness, Validation, freshness, read_validations
from pipeline.report.costs import Costs, gather_costs
from pipeline.report.documents import Documents, gather_documents
from pipeline.report.model import Models, gather_models
from pipeline.run_record import read_record
from waybill.settings import Settings

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
    """Everything the templates show; texts are not escaped yet."""

    accounts: list[SourceAccount]
    documents: Documents
    unknown_fields: list[UnknownField]
    corrections: list[Correction]
    not_adopted: list[FieldNotAdopted]
    misfits: list[str]
    dimensions: list[dict[str, Any]]
    freshness: list[Freshness]
    build: DbtBuild | None
    validations: list[Validation]
    models: Models
    costs: Costs
    written_at: datetime

    @property
    def is_balanced(self) -> bool:
        """True if the books of every source balance."""
        return all(account.is_balanced for account in self.accounts)

    @property
    def not_modelled(self) -> int:
        """How many documents have landed of sources that dbt has no models for."""
        return sum(account.not_modelled for account in self.accounts)


def gather_facts(connection: Connection, settings: Settings, stages: Sequence[Mapping[str, Any]] | None) -> ReportFacts:
    """Return all facts; those of things that do not exist yet are empty or None."""
    accounts = accounting(connection)
    now = connection.scalar(text("select now()")) or datetime.now().astimezone()
    return ReportFacts(
        accounts=accounts,
        documents=gather_documents(connection, accounts),
        unknown_fields=list_drift(),
        corrections=list_corrections(connection),
        not_adopted=list_fields_not_adopted(connection),
        misfits=list_misfits(connection),
        dimensions=_dimensions(connection),
        freshness=freshness(accounts, now),
        build=read_build(settings),
        validations=read_validations(settings),
        models=gather_models(connection),
        costs=gather_costs(connection, stages if stages is not None else read_record(settings)),
        written_at=now,
    )


def _dimensions(connection: Connection) -> list[dict[str, Any]]:
    """Return each dimension's number of rows, and of those inferred from facts because no document describes them."""
    return [
        {"table": table, **connection.execute(text(
            f'select count(*) as rows, count(*) filter (where is_inferred) as inferred from marts."{table}"'
        )).mappings().one()}
        for table in connection.scalars(text(INFERRED_TABLES)).all()
    ]  # fmt: skip
