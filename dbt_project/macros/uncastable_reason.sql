{% macro uncastable_reason(types) -%}
    nullif(concat_ws(
        '; ',
        {%- for column, type in types.items() %}
        case
            when {{ column }} is not null and not {{ is_castable(column, type) }}
                then '{{ column }}: ' || left(to_json({{ column }})::text, 100) || ' is no {{ type }}'
        end{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}
