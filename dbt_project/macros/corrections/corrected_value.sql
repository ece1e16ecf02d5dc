{#- A model that uses it has an import CTE `corrections`: those of its mart. -#}
{% macro corrected_value(rows, field, key, type='text') -%}
    coalesce(
            (
                select corrections.correct_value
                from corrections
                where corrections.field = '{{ field }}'
                    and coalesce(corrections.key, {{ rows }}.{{ key }}) = {{ rows }}.{{ key }}
                    and corrections.delivered_value is not distinct from {{ rows }}.{{ field }}::text
            )::{{ type }},
            {{ rows }}.{{ field }}
        )
{%- endmacro %}
