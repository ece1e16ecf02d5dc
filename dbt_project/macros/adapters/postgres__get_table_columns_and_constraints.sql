{#-
    dbt's own macro without the foreign keys: PostgreSQL would check them row by row while the table is filled.
    `sync_foreign_keys` adds them afterwards, with one check for all rows.
-#}
{% macro postgres__get_table_columns_and_constraints() %}
    {%- set columns = {} -%}
    {%- for name, column in model['columns'].items() -%}
        {%- set kept = column.get('constraints', []) | rejectattr('type', 'equalto', 'foreign_key') | list -%}
        {%- do columns.update({name: dict(column, constraints=kept)}) -%}
    {%- endfor -%}
    {%- set kept = model['constraints'] | rejectattr('type', 'equalto', 'foreign_key') | list -%}
    {%- set parts = adapter.render_raw_columns_constraints(raw_columns=columns)
        + adapter.render_raw_model_constraints(raw_constraints=kept) -%}
    ( {{ parts | join(', ') }} )
{% endmacro %}
