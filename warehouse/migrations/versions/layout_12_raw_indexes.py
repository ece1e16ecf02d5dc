"""Layout 12: the index of a raw table has a name that no source can have.

`x_batches`, the index of source `x`, was in the way of a source with that name.
"""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "12"
down_revision = "11"

RENAME_INDEXES = """
do $$
declare
    found record;
begin
    for found in
        select index_names.relname as index_name, table_names.relname as table_name
        from pg_index as indexes
        inner join pg_class as index_names on indexes.indexrelid = index_names.oid
        inner join pg_class as table_names on indexes.indrelid = table_names.oid
        where table_names.relnamespace = 'raw'::regnamespace
            and index_names.relname = left(table_names.relname || '_batches', 63)
    loop
        execute format('alter index raw.%I rename to %I', found.index_name, found.table_name || '-ix');
    end loop;
end
$$
"""


def upgrade() -> None:
    """Rename the index of every raw table."""
    execute(RENAME_INDEXES)
