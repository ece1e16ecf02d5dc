{#- A model that uses it has an import CTE `corrections`. -#}
{% macro corrected_value(rows, field, key, type='text') -%}
    {%- set mart = (model.tested_node_unique_id or model.unique_id).split('.')[2] -%}{#- in a unit test `this` is empty -#}
    coalesce(
            (
                select corrections.correct_value
                from corrections
                where corrections.mart = '{{ mart }}'
                    and corrections.field = '{{ field }}'
                    and coalesce(corrections.key, {{ rows }}.{{ key }}) = {{ rows }}.{{ key }}
                    and corrections.delivered_value is not distinct from {{ rows }}.{{ field }}::text
            )::{{ type }},
            {{ rows }}.{{ field }}
        )
{%- endmacro %}
