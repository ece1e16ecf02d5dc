{#-
    The incremental strategy `upsert`: inserts new rows and updates changed ones. A row that is equal to the one in the table
    is not written. The unique key has a unique index (a primary key in marts). Rows keep their identity, so foreign keys
    that point at the table hold.
-#}
{% macro get_incremental_upsert_sql(arguments) %}
    {%- set key = arguments['unique_key'] -%}
    {%- set key = [key] if key is string else key -%}
    {%- set columns, values = [], [] -%}
    {%- for column in arguments['dest_columns'] -%}
        {%- do columns.append(column.quoted) -%}
        {%- do values.append(column.quoted) if column.name not in key -%}
    {%- endfor -%}
    {%- if model.config.meta.get('returns_every_row') %}
    {{ list_unused_rows(arguments['target_relation'], arguments['temp_relation'], key) }}
    {%- endif %}
    {{- infer_missing_members(arguments['temp_relation']) }}
    insert into {{ arguments['target_relation'] }} as existing ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ arguments['temp_relation'] }}
    on conflict ({% for name in key %}{{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %}) do {{ 'update' if values else 'nothing' }}
    {%- if values %}
    set {% for column in values %}{{ column }} = excluded.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    where (existing.{{ values | join(', existing.') }}) is distinct from (excluded.{{ values | join(', excluded.') }})
    {%- endif %}
{% endmacro %}
