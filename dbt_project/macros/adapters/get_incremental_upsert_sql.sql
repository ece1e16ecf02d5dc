{#-
    The incremental strategy `upsert`: inserts new rows and updates changed ones. A row that is equal to the one in the table
    is not written. The unique key has a unique index (a primary key in marts). Rows keep their identity, so foreign keys
    that point at the table hold.
-#}
{% macro get_incremental_upsert_sql(arguments) %}
    {%- set key = arguments['unique_key'] -%}
    {%- set key = [key] if key is string else key -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='name') | list -%}
    {%- set values = columns | reject('in', key) | list -%}
    insert into {{ arguments['target_relation'] }} as existing ({{ columns | join(', ') }})
    select {{ columns | join(', ') }}
    from {{ arguments['temp_relation'] }}
    on conflict ({{ key | join(', ') }}) do update
    set {% for column in values %}{{ column }} = excluded.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    where (existing.{{ values | join(', existing.') }}) is distinct from (excluded.{{ values | join(', excluded.') }})
{% endmacro %}
