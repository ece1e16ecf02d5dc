{#- What `unknown_leaves` finds on all levels, with its document, where a condition on the number of the level is met. -#}
{% macro listed_unknown_leaves(levels, condition) -%}
    {%- set queries = [] -%}
    {%- for path in levels -%}
        {%- set number = loop.index -%}
        {%- for one in unknown_leaves(levels, path) -%}
            {%- do queries.append(
                "select element._batch_id, element._position, unknown.path from " ~ level_rows(levels, path)
                ~ " cross join lateral (" ~ one.listing ~ ") as unknown where " ~ one.is_there
                ~ " and " ~ condition | replace('{}', number)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ queries | join('\n    union all\n    ') }}
{%- endmacro %}
