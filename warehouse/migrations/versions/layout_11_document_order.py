"""Layout 11: outcomes order documents by `document_version`, and tell values apart by a 128-bit hash.

Which document is current can change by this, so the next dbt run reads every batch again, in place: rows that stay the
same are not written, and marts keep their rows until then.
"""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "11"
down_revision = "10"

CHANGE_COLUMNS = """
do $$
declare
    outcomes record;
begin
    for outcomes in
        select hashes.table_name, coalesce(versions.data_type, 'timestamp with time zone') as version_type
        from information_schema.columns as hashes
        left join information_schema.columns as versions
            on hashes.table_schema = versions.table_schema
            and hashes.table_name = versions.table_name
            and versions.column_name = 'updated_at'
        where hashes.table_schema = 'intermediate'
            and hashes.table_name like 'int\\_%\\_deduplicated'
            and hashes.column_name = '_value_hash'
            and hashes.data_type = 'bigint'
    loop
        execute format(
            'alter table intermediate.%I add column document_version %s, add column _version_digits text collate "C",
             alter column _value_hash type uuid using null',
            outcomes.table_name,
            case outcomes.version_type
                when 'double precision' then 'numeric' when 'text' then 'text collate "C"' else outcomes.version_type
            end
        );
    end loop;
end $$
"""

READ_AGAIN = """
do $$ begin
    if to_regclass('intermediate.processed_batches') is not null then
        delete from intermediate.processed_batches;
    end if;
end $$
"""


def upgrade() -> None:
    """Change the columns of the tables of outcomes, and forget which batches dbt's models have processed."""
    with acting_as("transformer"):
        execute(CHANGE_COLUMNS)
        execute(READ_AGAIN)
