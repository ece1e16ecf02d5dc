"""Layout 8: dbt's state tables are named after what they hold, run batches and processed batches.

Every row is kept, so incremental models continue where they were.
"""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "8"
down_revision = "7"

RENAME = """
do $$ begin
    if to_regclass('intermediate.frozen_batches') is not null then
        alter table intermediate.frozen_batches add column if not exists frozen_by text not null default '';
        alter table intermediate.frozen_batches rename column frozen_by to added_by;
        alter table intermediate.frozen_batches rename column frozen_at to added_at;
        alter index if exists intermediate.frozen_batches_pkey rename to run_batches_pkey;
        alter table intermediate.frozen_batches rename to run_batches;
    end if;
    if to_regclass('intermediate.consumed_batches') is not null then
        alter table intermediate.consumed_batches rename column consumed_at to processed_at;
        alter index if exists intermediate.consumed_batches_pkey rename to processed_batches_pkey;
        alter table intermediate.consumed_batches rename to processed_batches;
    end if;
end $$
"""


def upgrade() -> None:
    """Rename the two tables that dbt makes and their columns."""
    with acting_as("transformer"):
        execute(RENAME)
