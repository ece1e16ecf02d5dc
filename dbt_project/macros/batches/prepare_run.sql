{#-
    An on-run-start hook. Stops if a flag would let models skip rows of the batches that they record as processed, or if the
    loader has not made a raw table that a selected model reads, or if marts are to be distributed by a server that cannot. Creates the two tables that say which batches the models
    work on, those of `delete_unused_rows` and those of macros/rebuilds, and adds the run batches (`dbt run` and `dbt build` only).
-#}
{% macro prepare_run() %}
    {%- if flags.WHICH in ['run', 'build'] %}
    {{ refuse_row_limits() }}
    {%- endif %}
    {{ require_citus() }}
    {{ require_raw_tables() }}
    create table if not exists intermediate.run_batches (
        batch_id uuid primary key,
        source text not null,
        added_at timestamptz not null default clock_timestamp(),
        added_by text not null default ''
    );
    create table if not exists intermediate.processed_batches (
        model text not null,
        batch_id uuid not null,
        processed_at timestamptz not null default clock_timestamp(),
        primary key (model, batch_id)
    );
    create table if not exists intermediate.unused_rows (
        mart text not null,
        key jsonb not null,
        primary key (mart, key)
    );
    create table if not exists intermediate.rows_deleted (
        mart text primary key,
        deleted_at timestamptz not null
    );
    create table if not exists intermediate.rebuilt_for (
        model text not null,
        erasure_id uuid not null,
        primary key (model, erasure_id)
    );
    {%- if execute %}
    {{ make_build_records() }}
    {%- endif %}
    {{ refuse_rebuild_before_undo() }}
    {%- if flags.WHICH in ['run', 'build'] %}
    {{ add_run_batches() }}
    {%- endif %}
{% endmacro %}
