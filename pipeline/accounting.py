"""The books: how many documents of each source were read, and where they went (promise P1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, text

from loader.declarations import no_source
from pipeline.dbt.sources_yml import modelled_sources
from warehouse.outcomes import ERASED, HAS_OUTCOMES, OUTCOMES, UNDONE
from waybill.text import console

if TYPE_CHECKING:
    from rich.console import Console

BOOKS = "select * from ledger.books order by source"
HAS_RUN_BATCHES = "select to_regclass('intermediate.run_batches') is not null"
DOCUMENT_OUTCOMES = """
    select source, outcome, count(*) as documents
    from intermediate.document_outcomes
    where not exists (
        select from ledger.undone_batches as undone where undone.batch_id = document_outcomes._batch_id
    ) and not exists (
        select from ledger.erased_documents as erased
        where erased.batch_id = document_outcomes._batch_id and erased.position = document_outcomes._position
    ) and document_outcomes._batch_id not in (select erasures.erasure_id from ledger.erasures)
    group by source, outcome
"""
WAITING = """
    select batches.source, sum(batches.landed - coalesce(erased.documents, 0))::bigint as documents
    from ledger.batches as batches
    left join intermediate.run_batches as run on batches.batch_id = run.batch_id
    left join (
        select batch_id, count(*) as documents from ledger.erased_documents group by batch_id
    ) as erased on batches.batch_id = erased.batch_id
    where run.batch_id is null and not exists (
        select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id
    )
    group by batches.source
"""
BUILT = """
    select substring(relname from '^int_(.+)_outcomes$')
    from pg_class
    where relnamespace = to_regnamespace('intermediate') and relname ~ '^int_.+_outcomes$'
"""


@dataclass(frozen=True)
class SourceAccount:
    """One source's books; all numbers count documents.

    `outcomes` is None before the first dbt run of its models. `waiting` counts the documents that landed since the last
    one, `undone` those whose batch was undone, `erased` those that were erased or have an erased key, `not_modelled`
    those of a source that dbt has no models for, `unknown_outcomes` those with outcomes that `warehouse.outcomes` does
    not list. `last_landed_at` is None if none has landed. `intake_balances` is true if read = landed + rejected +
    skipped in every batch.
    """

    source: str
    read: int
    landed: int
    rejected: int
    skipped: int
    batches: int
    last_landed_at: datetime | None
    intake_balances: bool
    outcomes: dict[str, int] | None = None
    undone: int = 0
    erased: int = 0
    waiting: int = 0
    not_modelled: int = 0
    unknown_outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def accounted(self) -> int:
        """Landed documents that have an outcome, were undone or erased, wait for dbt, or have no models."""
        outcomes = sum((self.outcomes or {}).values()) + sum(self.unknown_outcomes.values())
        return outcomes + self.undone + self.erased + self.waiting + self.not_modelled

    @property
    def is_balanced(self) -> bool:
        """True if read = landed + rejected + skipped, and landed = the sum of the outcomes."""
        if not self.intake_balances or self.read != self.landed + self.rejected + self.skipped:
            return False
        return not self.unknown_outcomes and (self.outcomes is None or self.landed == self.accounted)

    @property
    def verdict(self) -> str:
        """One phrase: the books balance, or where they do not and by how many documents."""
        if not self.intake_balances or self.read != self.landed + self.rejected + self.skipped:
            return f"UNBALANCED: read {self.read - self.landed - self.rejected - self.skipped:+,}"
        if self.unknown_outcomes:
            return f"UNBALANCED: unknown outcome {', '.join(self.unknown_outcomes)}"
        if self.outcomes is None:
            return "landed, no marts yet"
        if not self.is_balanced:
            return f"UNBALANCED: landed {self.landed - self.accounted:+,}"
        waiting = f", {self.waiting:,} waiting for dbt" if self.waiting else ""
        return f"balanced{waiting}{f', {self.not_modelled:,} not modelled' if self.not_modelled else ''}"


def accounting(connection: Connection) -> list[SourceAccount]:
    """Return the books of every source that has a batch, also before the first dbt run."""
    modelled = set(modelled_sources())
    outcomes = _outcomes(connection, modelled)
    waiting = _waiting(connection) if outcomes is not None else {}
    built = {*(outcomes or {}), *set(connection.scalars(text(BUILT))).intersection(modelled)}
    accounts = []
    for row in connection.execute(text(BOOKS)).mappings():
        is_built = row["source"] in built
        is_modelled = outcomes is None or is_built or row["source"] in modelled
        waits = waiting.get(row["source"], 0) if is_built else 0
        counted = None if outcomes is None or (is_modelled and not is_built) else outcomes.get(row["source"], {})
        known, unknown = _known_and_unknown(counted)
        accounts.append(
            SourceAccount(
                source=row["source"],
                read=row["read"],
                landed=row["landed"],
                rejected=row["rejected"],
                skipped=row["skipped"],
                batches=row["batches"],
                last_landed_at=row["last_landed_at"],
                intake_balances=row["is_balanced"],
                outcomes=known,
                undone=row["undone"],
                erased=row["erased"],
                waiting=waits,
                not_modelled=0 if is_modelled else row["landed"] - row["undone"] - row["erased"],
                unknown_outcomes=unknown,
            )
        )
    return accounts


def print_accounting(accounts: list[SourceAccount], terminal: Console | None = None) -> None:
    """Print the books, one column for each source, so that five sources fit in 80 characters."""
    terminal = terminal or console()
    if not accounts:
        missing = no_source()
        terminal.print(f"nothing has landed yet: {missing or 'run `make load`'}", soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, title="Where every document went", title_justify="left", pad_edge=False)
    table.add_column("documents", no_wrap=True)
    for account in accounts:
        table.add_column(account.source, justify="right", overflow="fold")
    for name in ("read", "landed", "rejected", "skipped"):
        table.add_row(name, *(f"{getattr(account, name):,}" for account in accounts), end_section=name == "skipped")
    for name in OUTCOMES:
        numbers = ["–" if account.outcomes is None else f"{account.outcomes[name]:,}" for account in accounts]
        table.add_row(name, *numbers)
    for name in (UNDONE, ERASED):
        if any(getattr(account, name) for account in accounts):
            table.add_row(name, *(f"{getattr(account, name):,}" for account in accounts))
    table.add_section()
    if any(account.not_modelled for account in accounts):
        table.add_row("not modelled", *(f"{account.not_modelled:,}" for account in accounts), end_section=True)
    table.add_row("books", *(Text(account.verdict, style=_verdict_style(account)) for account in accounts))
    terminal.print(table)


def _verdict_style(account: SourceAccount) -> str:
    return "green" if account.is_balanced else "bold red"


def _outcomes(connection: Connection, modelled: Collection[str]) -> dict[str, dict[str, int]] | None:
    """Return the outcomes by source, without those of sources whose models were removed since the last dbt run."""
    if not connection.scalar(text(HAS_OUTCOMES)):
        return None
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(text(DOCUMENT_OUTCOMES)).mappings():
        if row["source"] in modelled:
            found.setdefault(row["source"], {})[str(row["outcome"])] = row["documents"]
    return found


def _waiting(connection: Connection) -> dict[str, int]:
    if not connection.scalar(text(HAS_RUN_BATCHES)):
        return {}
    return {row["source"]: row["documents"] for row in connection.execute(text(WAITING)).mappings()}


def _known_and_unknown(outcomes: dict[str, int] | None) -> tuple[dict[str, int] | None, dict[str, int]]:
    if outcomes is None:
        return None, {}
    known: dict[str, int] = {name: outcomes.get(name, 0) for name in OUTCOMES}
    unknown: dict[str, Any] = {name: number for name, number in outcomes.items() if name not in OUTCOMES}
    return known, unknown
