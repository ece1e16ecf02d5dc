"""Layout 6: `ledger.layout` keeps one row per migration; its number is given by the migration, never by a sequence."""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Drop the sequence that numbered the layouts."""
    execute("alter table ledger.layout alter column version drop default")
    execute("drop sequence ledger.layout_version_seq")
