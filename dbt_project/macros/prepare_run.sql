{% macro prepare_run() %}
    {%- if execute -%}
        {%- set missing = run_query("select to_regclass('raw.flights') is null or to_regclass('ledger.batches') is null") -%}
        {%- if missing.rows[0][0] -%}
            {{ exceptions.raise_compiler_error("database " ~ target.dbname ~ " has no raw table of flights: run `make load` first") }}
        {%- endif -%}
    {%- endif -%}
    create table if not exists intermediate.frozen_batches (
        batch_id uuid primary key,
        source text not null,
        frozen_at timestamptz not null default clock_timestamp(),
        frozen_by text not null default ''
    );
    do $$ begin
        if not exists (
            select from pg_attribute
            where attrelid = 'intermediate.frozen_batches'::regclass and attname = 'frozen_by'
        ) then
            alter table intermediate.frozen_batches add column frozen_by text not null default '';
        end if;
    end $$;
    create table if not exists intermediate.consumed_batches (
        model text not null,
        batch_id uuid not null,
        consumed_at timestamptz not null default clock_timestamp(),
        primary key (model, batch_id)
    );
    {%- if flags.WHICH in ['run', 'build'] %}
    insert into intermediate.frozen_batches (batch_id, source, frozen_by)
    select batches.batch_id, batches.source, '{{ invocation_id }}'
    from ledger.batches
    where not exists (
        select from intermediate.frozen_batches as frozen where frozen.batch_id = batches.batch_id
    )
    on conflict do nothing;
    {%- endif %}
{% endmacro %}
