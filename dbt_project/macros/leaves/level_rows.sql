{#-
    One level of the documents, as a subquery of a `from` clause: one row per document, element or member of a map, with its document's
    batch and position, its value, and a column for each object in it.
-#}
{% macro level_rows(levels, path, row='element') -%}
    {%- set level, value = levels[path], 'child.value' if path else 'parent.document' -%}
    (
        select
            parent._batch_id,
            parent._position,
            {%- for pointer, column in level.columns.items() %}
            {{ json_at(value, pointer) }} as {{ column }},
            {%- endfor %}
            {%- if level.columns %}
            {{ evaluated_once() }} as _taken_out,
            {%- endif %}
            {{ value }} as value
        {%- if not path %}
        from documents as parent
        {%- else %}
        from {{ level_rows(levels, level.parent, 'parent') }}
            {%- set kind = 'object' if level.kind == 'map' else 'array' %}
            {%- set parent = leaf_at(levels[level.parent], level.pointer, row='parent') %}
            {%- set parent = "case when jsonb_typeof(" ~ parent ~ ") = '" ~ kind ~ "' then " ~ parent ~ " end" %}
            {%- if level.kind == 'map' %}
        cross join lateral jsonb_each({{ parent }}) as child (name, value)
            {%- elif level.kind == 'array' %}
        cross join lateral jsonb_array_elements({{ parent }}) as child (value)
            {%- else %}
        cross join lateral (select distinct one.value from jsonb_array_elements({{ parent }}) as one (value)) as child
            {%- endif %}
        {%- endif %}
    ) as {{ row }}
{%- endmacro %}
