{#-
    The JSON, or its text, at a pointer in a row of `level_rows`; at the empty pointer, the element itself. An object on the way that
    has a column is not taken out again.
-#}
{% macro leaf_at(level, pointer, as_text=false, row='element') -%}
    {%- set above, _, name = pointer.rpartition('/') -%}
    {%- if not pointer -%}
        {{ row }}.value{{ " #>> '{}'" if as_text }}
    {%- elif above in level.columns -%}
        {{ json_at(row ~ '.' ~ level.columns[above], '/' ~ name, as_text) }}
    {%- else -%}
        {{ json_at(row ~ '.value', pointer, as_text) }}
    {%- endif -%}
{%- endmacro %}
