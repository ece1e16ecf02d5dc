"""Alembic's environment; `warehouse.migrations.upgrade` starts it with an open connection. There is no alembic.ini."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import text

from warehouse.ledger import Ledger


def record_layout(ctx: object, step: Any, heads: object, run_args: object) -> None:
    """Write the layout that a step leads to, in the step's own transaction."""
    context.get_bind().execute(
        text("insert into ledger.layout (version) values (:version)"), {"version": int(step.up_revision_id)}
    )


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Ledger.metadata,
    version_table_schema="ledger",
    transaction_per_migration=True,
    on_version_apply=record_layout,
)
with context.begin_transaction():
    context.run_migrations()
